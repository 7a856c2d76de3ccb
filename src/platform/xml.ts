import { type XmlFields, XmlReader } from './xml-reader.js'

export type { XmlFields, XmlValue } from './xml-reader.js'

/** The fields inside the root element `xml` of a platform's message; texts as they are, 64-bit numbers too. Throws an Error for what is no such message. */
export function parseXml(text: string): XmlFields {
  const { name, value } = new XmlReader(text).root()
  if (name !== 'xml' || typeof value === 'string') throw new Error('not an xml element')
  return value as XmlFields
}

/** A field's text; undefined when it is absent or not a text. */
export function xmlText(fields: XmlFields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  return typeof value === 'string' ? value : undefined
}

/** A text that stands for itself whatever is in it. */
export function cdata(text: string): string {
  return `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
}

/** A message of texts and numbers as the platforms write it: `<xml><Name><![CDATA[…]]></Name>…</xml>`, numbers bare. */
export function formatXml(fields: Readonly<Record<string, string | number | bigint>>): string {
  const elements = Object.entries(fields).map(
    ([name, value]) => `<${name}>${typeof value === 'string' ? cdata(value) : value}</${name}>`,
  )
  return `<xml>${elements.join('')}</xml>`
}
