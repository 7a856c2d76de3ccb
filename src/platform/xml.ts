import { XMLParser } from 'fast-xml-parser'

/** A parsed element: a text, or elements by name; those of one name that come several times are a list. */
export type XmlValue = string | { readonly [name: string]: XmlValue } | readonly XmlValue[]

/** The fields of an XML message by name. */
export type XmlFields = { readonly [name: string]: XmlValue }

const parser = new XMLParser({
  // Whoever writes it is outside: no entities, no numbers that lose digits, no attributes.
  processEntities: false,
  parseTagValue: false,
  ignoreAttributes: true,
  trimValues: true,
})

/** The fields inside the root element `xml` of a platform's message; texts as they are, 64-bit numbers too. Throws an Error for what is no such message. */
export function parseXml(text: string): XmlFields {
  if (/<!(?!\[CDATA\[)/.test(text)) throw new Error('a declaration is not allowed')
  const { xml } = parser.parse(text) as { readonly xml?: XmlValue }
  if (xml === undefined || typeof xml === 'string' || Array.isArray(xml)) throw new Error('not an xml element')
  return xml as XmlFields
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
export function formatXml(fields: Readonly<Record<string, string | number>>): string {
  const elements = Object.entries(fields).map(
    ([name, value]) => `<${name}>${typeof value === 'number' ? value : cdata(value)}</${name}>`,
  )
  return `<xml>${elements.join('')}</xml>`
}
