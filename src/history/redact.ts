/**
 * Finds numbers of telephones, addresses of e-mail and numbers of Chinese identity cards in texts, and puts their kind in their place. Full-width forms count like
 * the usual ones. Pure; takes time in proportion to the text. What cannot be told from a number of an order (twelve digits in a row, an identity number whose check digit is
 * wrong) stays.
 */

/** What can be taken out of texts. */
export const REDACTIONS = {
  phone: {
    summary: 'telephone numbers: Chinese mobiles and landlines, international ones with +',
    find: findPhones,
  },
  email: { summary: 'addresses of e-mail', find: findEmails },
  'id-card': { summary: 'numbers of Chinese identity cards, of 18 and of 15 digits', find: findIdCards },
} as const satisfies Record<string, { readonly summary: string; find(text: string): Span[] }>

/** One of `REDACTIONS`. */
export type Redaction = keyof typeof REDACTIONS

/** Names of `REDACTIONS`. */
export const REDACTION_NAMES = Object.keys(REDACTIONS) as Redaction[]

type Span = readonly [start: number, end: number]

/** A text without what is to be taken out of it: `[phone]`, `[email]`, `[id-card]` stand in its place. The same text when there is none. */
export function redactText(text: string, redactions: readonly Redaction[]): string {
  const plain = halfWidth(text)
  const found = redactions.flatMap(kind => REDACTIONS[kind].find(plain).map(([start, end]) => ({ kind, start, end })))
  if (found.length === 0) return text
  found.sort((a, b) => a.start - b.start || b.end - a.end)
  let result = ''
  let at = 0
  for (const { kind, start, end } of found) {
    // What overlaps goes with the first.
    if (start < at) {
      at = Math.max(at, end)
      continue
    }
    result += `${text.slice(at, start)}[${kind}]`
    at = end
  }
  return result + text.slice(at)
}

/** Names of fields whose texts are words of kefu, or ids of what is its own. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['type', 'conversation', 'kind', 'egress', 'role', 'media'])
/** Fields with facts of somebody else: a number there may be that of a telephone. */
const FOREIGN_FIELDS: ReadonlySet<string> = new Set(['data', 'attributes'])

/** A value of plain data with every text in it redacted, names of foreign fields included. A copy. */
export function redactValue(value: unknown, redactions: readonly Redaction[], isForeign = false): unknown {
  if (typeof value === 'string') return redactText(value, redactions)
  if (typeof value === 'number' && isForeign) {
    const text = redactText(String(value), redactions)
    return text === String(value) ? value : text
  }
  if (Array.isArray(value)) return value.map(item => redactValue(item, redactions, isForeign))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) =>
      !isForeign && OWN_FIELDS.has(name) && typeof field === 'string'
        ? [name, field]
        : [redactText(name, redactions), redactValue(field, redactions, isForeign || FOREIGN_FIELDS.has(name))],
    ),
  )
}

/** Full-width characters as the usual ones, and other spaces and dashes as `  ` and `-`: as many as before, each at its place. */
function halfWidth(text: string): string {
  return text.replace(/[\uff01-\uff5e\u3000\u00a0\u2002-\u200a\u202f\u2010-\u2015\u2212]/g, character => {
    const code = character.charCodeAt(0)
    if (code >= 0xff01) return String.fromCharCode(code - 0xfee0)
    return code === 0x2212 || (code >= 0x2010 && code <= 0x2015) ? '-' : ' '
  })
}

/** Not behind a digit, nor behind one and a dash: there it is a part of a longer number. */
const BEGIN = String.raw`(?<!\d[-.]?)`
const END = String.raw`(?!\d)`
const GAP = '[ .-]{0,2}'
const CHINA = String.raw`(?:(?:\+|00)?${GAP}86${GAP}|\(\+?86\)${GAP}|0(?=1))?`

const PHONES: readonly RegExp[] = [
  // Mobiles, in the usual groups or digit by digit.
  String.raw`${BEGIN}${CHINA}1[3-9]\d(?:${GAP}\d{4}${GAP}\d{4}|${GAP}\d{3}${GAP}\d{5}|${GAP}\d{8})${END}`,
  String.raw`${BEGIN}1([ .-])[3-9](?:\1\d){9}${END}`,
  // Landlines with their area, and the extension.
  String.raw`${BEGIN}(?:(?:\+|00)86${GAP})?(?:\(0?(?:10|2\d|[3-9]\d{2})\)${GAP}|0(?:10|2\d|[3-9]\d{2})${GAP})[2-9]\d{2,3}${GAP}\d{4}(?:(?:-|#|转| 转| ?ext\.? ?)\d{1,6})?${END}`,
  // Numbers of companies that answer everywhere.
  String.raw`${BEGIN}[48]00[ -]\d{3}[ -]\d{4}${END}(?!-)`,
  // With a country.
  String.raw`(?<![\d+])\+${GAP}(?!86)[1-9](?:[ .()-]{0,2}\d){7,14}${END}`,
  String.raw`(?<![\d+])\+${GAP}86(?:[ .()-]{0,2}\d){7,11}${END}`,
  // North America, as it is written there.
  String.raw`${BEGIN}(?:\([2-9]\d{2}\) ?|[2-9]\d{2}-)[2-9]\d{2}-\d{4}${END}(?!-)`,
].map(source => new RegExp(source, 'gi'))

function findPhones(text: string): Span[] {
  return PHONES.flatMap(expression => spansOf(text, expression))
}

/** The name is bounded: each place is looked at for so long at most. */
const EMAIL = /(?<![\w.%+-])[\w.%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![a-z0-9-])/gi

function findEmails(text: string): Span[] {
  return text.includes('@') ? spansOf(text, EMAIL) : []
}

const PROVINCES = '(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[123]|91)'
const MONTH_AND_DAY = String.raw`(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])`
const LONG = new RegExp(
  String.raw`(?<!\d)${PROVINCES}\d{4}[ -]?(?:18|19|20)\d{2}${MONTH_AND_DAY}[ -]?\d{3}[\dx](?![\da-z])`,
  'gi',
)
const SHORT = new RegExp(String.raw`(?<!\d)${PROVINCES}\d{4}[ -]?\d{2}${MONTH_AND_DAY}[ -]?\d{3}(?!\d)`, 'g')
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] as const
const CHECK_DIGITS = '10X98765432'

function findIdCards(text: string): Span[] {
  const long = spansOf(text, LONG).filter(([start, end]) => isChecked(text.slice(start, end)))
  return [...long, ...spansOf(text, SHORT)]
}

/** Whether the last digit is the one that follows from the others (GB 11643). */
function isChecked(number: string): boolean {
  const digits = number.replace(/[ -]/g, '').toUpperCase()
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(digits[index]), 0)
  return CHECK_DIGITS[sum % 11] === digits[17]
}

function spansOf(text: string, expression: RegExp): Span[] {
  return Array.from(text.matchAll(expression), match => [match.index, match.index + match[0].length] as const)
}
