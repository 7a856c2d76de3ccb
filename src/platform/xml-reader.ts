/** A parsed element: a text, or elements by name; those of one name that come several times are a list. */
export type XmlValue = string | { readonly [name: string]: XmlValue } | readonly XmlValue[]

/** The fields of an XML message by name. */
export type XmlFields = { readonly [name: string]: XmlValue }

const DEPTH_LIMIT = 16
const ELEMENTS_LIMIT = 4_096
const LESS = 0x3c
const GREATER = 0x3e
const CDATA = '<![CDATA['
const CDATA_END = ']]>'
const SPACE = /^\s*$/
const NAME = /^(?!__proto__$)[A-Za-z_][\w.-]{0,127}$/
const DECLARATION = /^\uFEFF?\s*(?:<\?xml[^<>]*\?>\s*)?/

/**
 * Reads the little XML that platforms write: elements, texts and CDATA. Everything else (attributes, entities, comments, DTDs) is refused or left as it is: whoever
 * writes it is outside. One pass, in time that grows with the text alone.
 */
export class XmlReader {
  readonly #text: string
  #at: number
  #elements = 0

  constructor(text: string) {
    this.#text = text
    this.#at = DECLARATION.exec(text)![0].length
  }

  /** The name and the content of the only element that the text consists of. Throws an Error for what is no such text. */
  root(): { readonly name: string; readonly value: XmlValue } {
    const name = this.#openingTag()
    const value = this.#content(name, 1)
    if (!SPACE.test(this.#text.slice(this.#at))) throw new Error('something follows the element')
    return { name, value }
  }

  /** Behind an opening tag: what is in the element, and over its closing tag. */
  #content(name: string, depth: number): XmlValue {
    if (depth > DEPTH_LIMIT) throw new Error('nested too deep')
    const text = this.#text
    let value = ''
    let fields: Record<string, XmlValue> | undefined
    for (;;) {
      const next = text.indexOf('<', this.#at)
      if (next < 0) throw new Error('an element has no end')
      if (next > this.#at) value += text.slice(this.#at, next).trim()
      this.#at = next
      const after = text.charCodeAt(next + 1)
      if (after === 0x2f) {
        this.#closingTag(name)
        break
      }
      if (after === 0x21) value += this.#cdata()
      else {
        fields ??= {}
        const child = this.#openingTag()
        add(fields, child, this.#content(child, depth + 1))
      }
    }
    if (fields === undefined) return value
    if (value !== '') throw new Error('text between elements')
    return fields
  }

  #openingTag(): string {
    const end = this.#text.indexOf('>', this.#at)
    if (end < 0 || this.#text.charCodeAt(this.#at) !== LESS) throw new Error('an element is expected')
    const name = this.#text.slice(this.#at + 1, Math.min(end, this.#at + 130))
    if (!NAME.test(name)) throw new Error('an element has a name and nothing else')
    this.#elements += 1
    if (this.#elements > ELEMENTS_LIMIT) throw new Error('too many elements')
    this.#at = end + 1
    return name
  }

  #closingTag(name: string): void {
    const end = this.#at + 2 + name.length
    if (!this.#text.startsWith(name, this.#at + 2) || this.#text.charCodeAt(end) !== GREATER)
      throw new Error('an element ends where another began')
    this.#at = end + 1
  }

  #cdata(): string {
    if (!this.#text.startsWith(CDATA, this.#at)) throw new Error('a declaration is not allowed')
    const end = this.#text.indexOf(CDATA_END, this.#at)
    if (end < 0) throw new Error('a CDATA section has no end')
    const value = this.#text.slice(this.#at + CDATA.length, end)
    this.#at = end + CDATA_END.length
    return value
  }
}

/** Those of one name that come several times are a list. */
function add(fields: Record<string, XmlValue>, name: string, value: XmlValue): void {
  if (!Object.hasOwn(fields, name)) {
    fields[name] = value
    return
  }
  const before = fields[name]!
  if (Array.isArray(before)) before.push(value)
  else fields[name] = [before, value]
}
