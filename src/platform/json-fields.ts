/** A JSON object from outside: any field may be missing or of another type. */
export type JsonFields = { readonly [name: string]: unknown }

/** The value as an object; one without fields when it is something else. */
export function jsonFields(value: unknown): JsonFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonFields) : NONE
}

/** The field's list; an empty one when it is something else. */
export function jsonList(fields: JsonFields, name: string): readonly unknown[] {
  const value = own(fields, name)
  return Array.isArray(value) ? value : []
}

/** The field's text, a number's digits; undefined for anything else, and for the empty text. Well-formed Unicode. */
export function jsonText(fields: JsonFields, name: string): string | undefined {
  const value = own(fields, name)
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value.toWellFormed() : undefined
}

/** The field's finite number, also one that is written as a text; undefined for anything else. */
export function jsonNumber(fields: JsonFields, name: string): number | undefined {
  const value = own(fields, name)
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

const NONE: JsonFields = Object.freeze({})

function own(fields: JsonFields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}
