import { type JsonFields, jsonText } from '../../../platform/json-fields.js'
import { parseLosslessJson } from '../../../platform/lossless-json.js'
import { parseXml } from '../../../platform/xml.js'

/** Formats that a body may have. */
export type BodyFormat = 'xml' | 'json'

const BRACE = 0x7b
/** As many as elements of XML: nobody has signed a body yet whose encrypted text is looked for. */
const VALUES_LIMIT = 4_096

/** The fields of a body: JSON when it begins with a brace and that is one of the formats, else XML. Throws an Error for what is neither. */
export function readFields(bytes: Uint8Array, formats: readonly BodyFormat[]): JsonFields {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  if (bytes[0] !== BRACE || !formats.includes('json')) return parseXml(text)
  return parseLosslessJson(text, VALUES_LIMIT) as JsonFields
}

/** As `jsonText`, at most so many characters: cut, not between the halves of one. */
export function boundedText(fields: JsonFields, name: string, max: number): string | undefined {
  const text = jsonText(fields, name)
  if (text === undefined || text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max)
}

/** A field's link, if a browser could follow it. */
export function fieldLink(fields: JsonFields, name: string): string | undefined {
  const text = jsonText(fields, name)
  return text !== undefined && text.length <= 2_048 && /^https?:\/\/[^\s\p{C}]+$/u.test(text) ? text : undefined
}

/** A field's finite number within bounds, also one that is written as a text. */
export function fieldNumber(fields: JsonFields, name: string, min: number, max: number): number | undefined {
  const text = jsonText(fields, name)
  if (text === undefined || !/^\s*-?\d{1,9}(\.\d{1,20})?\s*$/.test(text)) return undefined
  const number = Number(text)
  return number >= min && number <= max ? number : undefined
}
