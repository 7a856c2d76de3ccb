import { REPLY_OCCASIONS, type ReplyOccasion } from '../../../codec/wire.js'
import { KefuError } from '../../../errors.js'
import { languageTag } from '../../core/languages.js'
import type { Channel, IdleTimes, Replies } from '../../core/model.js'

/** What kefu says by itself on an occasion, in a language; null takes the text away. */
export type ReplyChange = { readonly occasion: ReplyOccasion; readonly language: string; readonly text: string | null }

/** What is to be changed of how a channel speaks; what is not named stays, null takes away. */
export type VoiceChange = {
  /** Of contacts of whom no language is known: a tag such as `zh` or `en-GB`. */
  readonly language?: string | null
  readonly replies?: readonly ReplyChange[]
  readonly idle?: { readonly warnAfterMs?: number | null; readonly closeAfterMs?: number } | null
}

/** How much there may be. `idleMs`: 30 days. */
export const VOICE_LIMITS = { languages: 32, textLength: 1_000, idleMs: 30 * 86_400_000 } as const

type Voice = Pick<Channel, 'language' | 'replies' | 'idle'>

/** How a channel speaks after a change. Throws `KEFU_USAGE` for what is out of bounds. */
export function changedVoice({ language, replies, idle }: Voice, change: VoiceChange): Voice {
  const nextLanguage =
    change.language === undefined ? language : change.language === null ? undefined : languageTag(change.language)
  const nextReplies = change.replies === undefined ? replies : changedReplies(replies ?? {}, change.replies)
  const nextIdle = change.idle === undefined ? idle : change.idle === null ? undefined : changedIdle(idle, change.idle)
  return {
    ...(nextLanguage === undefined ? {} : { language: nextLanguage }),
    ...(nextReplies === undefined ? {} : { replies: nextReplies }),
    ...(nextIdle === undefined ? {} : { idle: nextIdle }),
  }
}

function changedReplies(
  before: NonNullable<Channel['replies']>,
  changes: readonly ReplyChange[],
): Channel['replies'] | undefined {
  const all: Record<string, Replies> = { ...before }
  for (const { occasion, language, text } of changes) {
    const tag = languageTag(language)
    const { [occasion]: _, ...others } = all[tag] ?? {}
    const texts: Replies = text === null ? others : { ...others, [occasion]: checkedText(text) }
    if (Object.keys(texts).length === 0) delete all[tag]
    else all[tag] = inOrder(texts)
  }
  const languages = Object.keys(all).sort()
  if (languages.length > VOICE_LIMITS.languages)
    throw usage(`a channel speaks at most ${VOICE_LIMITS.languages} languages`)
  return languages.length === 0 ? undefined : Object.fromEntries(languages.map(tag => [tag, all[tag]!]))
}

/** So that the same texts are equal however they came. */
function inOrder(texts: Replies): Replies {
  const occasions = Object.keys(REPLY_OCCASIONS) as ReplyOccasion[]
  return Object.fromEntries(
    occasions.flatMap(occasion => (texts[occasion] === undefined ? [] : [[occasion, texts[occasion]]])),
  )
}

function changedIdle(before: IdleTimes | undefined, change: NonNullable<VoiceChange['idle']>): IdleTimes {
  const closeAfterMs = change.closeAfterMs ?? before?.closeAfterMs
  const warnAfterMs = change.warnAfterMs === undefined ? before?.warnAfterMs : (change.warnAfterMs ?? undefined)
  if (closeAfterMs === undefined) throw usage('a warning needs a time after which the conversation is closed, too')
  for (const ms of [closeAfterMs, ...(warnAfterMs === undefined ? [] : [warnAfterMs])])
    if (ms < 1_000 || ms > VOICE_LIMITS.idleMs) throw usage('a silence lasts from 1 second to 30 days')
  if (warnAfterMs !== undefined && warnAfterMs >= closeAfterMs)
    throw usage('the warning comes before the end: its time must be the shorter one')
  return warnAfterMs === undefined ? { closeAfterMs } : { warnAfterMs, closeAfterMs }
}

function checkedText(text: string): string {
  const length = [...text].length
  if (length === 0 || length > VOICE_LIMITS.textLength || !text.isWellFormed())
    throw usage(`a reply has 1 to ${VOICE_LIMITS.textLength} characters`)
  return text
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
