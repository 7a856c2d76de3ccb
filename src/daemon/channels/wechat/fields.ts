import { parseLosslessJson } from '../../../platform/lossless-json.js'
import { parseXml } from '../../../platform/xml.js'

/** The fields of a message by name, from XML or JSON: any may be missing or of another type. */
export type WechatFields = { readonly [name: string]: unknown }

/** Formats that a body may have. */
export type BodyFormat = 'xml' | 'json'

const BRACE = 0x7b

/** The fields of a body: JSON when it begins with a brace and that is one of the formats, else XML. Throws an Error for what is neither. */
export function readFields(bytes: Uint8Array, formats: readonly BodyFormat[]): WechatFields {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  if (bytes[0] !== BRACE || !formats.includes('json')) return parseXml(text)
  return parseLosslessJson(text) as WechatFields
}

/** A field's text, a number's digits; undefined for anything else and for the empty text. Well-formed Unicode. */
export function fieldText(fields: WechatFields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value.toWellFormed() : undefined
}

/** As `fieldText`, at most so many characters: cut, not between the halves of one. */
export function boundedText(fields: WechatFields, name: string, max: number): string | undefined {
  const text = fieldText(fields, name)
  if (text === undefined || text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max)
}

/** A field that holds fields; one without any when it is something else. */
export function innerFields(fields: WechatFields, name: string): WechatFields {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as WechatFields) : {}
}

/** A field's link, if a browser could follow it. */
export function fieldLink(fields: WechatFields, name: string): string | undefined {
  const text = fieldText(fields, name)
  return text !== undefined && text.length <= 2_048 && /^https?:\/\/[^\s\p{C}]+$/u.test(text) ? text : undefined
}

/** A field's finite number within bounds, also one that is written as a text. */
export function fieldNumber(fields: WechatFields, name: string, min: number, max: number): number | undefined {
  const text = fieldText(fields, name)
  if (text === undefined || !/^\s*-?\d{1,9}(\.\d{1,20})?\s*$/.test(text)) return undefined
  const number = Number(text)
  return number >= min && number <= max ? number : undefined
}
