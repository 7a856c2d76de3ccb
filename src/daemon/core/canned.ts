import { WIRE_LIMITS } from '../../codec/wire.js'
import { KefuError } from '../../errors.js'
import { closestTags } from './languages.js'

/** Replies that agents send again and again. */

/** A canned reply. Its name is the shortcut that agents type. */
export type CannedReply = {
  readonly name: string
  /** By language tag, in ascending order; the one under `''` is of no language. At least one. */
  readonly texts: Readonly<Record<string, string>>
  /** Id of the team whose members are offered it; absent: everybody. */
  readonly team?: string
  readonly createdAt: number
}

/** How much there may be. `textBytes`: a text in UTF-8, which has to fit into a message with its author. */
export const CANNED_LIMITS = {
  replies: 1_000,
  languages: 16,
  textLength: 4_000,
  textBytes: WIRE_LIMITS.messageBytes - 1_024,
  bytes: 48 * 1024,
} as const

/** What a text may leave open until it is used. */
export const PLACEHOLDERS = ['contact', 'agent'] as const

/** What placeholders are filled with. */
export type PlaceholderNames = Readonly<Record<(typeof PLACEHOLDERS)[number], string>>

/** Braces around something that could be a name. */
const PLACEHOLDER = /\{([\p{L}\p{N}_. -]{0,40})\}/gu
const CONTROLS = /[^\P{Cc}\n\t]/u

/** A text as it may be stored. Throws `KEFU_USAGE` for one that is too long, cannot be sent, or has a placeholder that nobody would fill. */
export function cannedText(text: string): string {
  const { textLength, textBytes } = CANNED_LIMITS
  if (text.trim() === '') throw usage('a canned reply needs a text')
  if (!text.isWellFormed() || CONTROLS.test(text)) throw usage('a text must be of printable characters')
  const length = [...text].length
  const bytes = Buffer.byteLength(text)
  if (length > textLength || bytes > textBytes)
    throw usage(
      `a canned reply has at most ${textLength} characters and ${textBytes} bytes, this one ${length} and ${bytes}`,
    )
  for (const [placeholder, name = ''] of text.matchAll(PLACEHOLDER))
    if (!isPlaceholder(name)) throw usage(`${placeholder} is not a placeholder: there are {contact} and {agent}`)
  return text
}

/** Which text is for a contact of this language, on a channel of that one: the closest, else the first there is. */
export function cannedLanguage(
  { texts }: CannedReply,
  language: string | undefined,
  usual: string | undefined,
): string {
  const [first = ''] = Object.keys(texts)
  return closestTags([language, usual]).find(tag => Object.hasOwn(texts, tag)) ?? first
}

/** A text with its placeholders filled; undefined when it would not fit into a message then. */
export function filledText(text: string, names: PlaceholderNames): string | undefined {
  const filled = text.replaceAll(PLACEHOLDER, (placeholder, name) => (isPlaceholder(name) ? names[name] : placeholder))
  return Buffer.byteLength(filled) > CANNED_LIMITS.textBytes ? undefined : filled
}

function isPlaceholder(name: string): name is (typeof PLACEHOLDERS)[number] {
  return (PLACEHOLDERS as readonly string[]).includes(name)
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
