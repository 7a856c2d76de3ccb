import { z } from 'zod'
import { firstComplaint } from '../../../codec/complaint.js'
import { boundedText, CONTENT_PARTS } from '../../../codec/part-schema.js'
import { type Part, WIRE_LIMITS } from '../../../codec/wire.js'
import type { Command } from '../../../codec/wire-commands.js'

/** What a bot answers: what it says, and whether people are to go on or the conversation is over. */
export type BotAnswer = {
  readonly messages: readonly (readonly Part[])[]
  readonly commands: readonly Command[]
}

/** The longest answer that is read. */
export const ANSWER_LIMIT_BYTES = 64 * 1024
const MESSAGES = 10

const word = boundedText(WIRE_LIMITS.wordLength).min(1)
const note = boundedText(WIRE_LIMITS.messageBytes / 4).min(1)
const { text, location, card, choices, event } = CONTENT_PARTS
/** Without files: a program that is called has nowhere to put them. */
const part = z.discriminatedUnion('type', [text, location, card, choices, event])

const answerSchema = z
  .strictObject({
    messages: z
      .array(z.strictObject({ parts: z.array(part).min(1).max(WIRE_LIMITS.parts) }))
      .max(MESSAGES)
      .default([]),
    handOver: z
      .union([z.literal(true), z.strictObject({ team: word.exactOptional(), note: note.exactOptional() })])
      .optional(),
    close: z.literal(true).optional(),
  })
  .refine(({ handOver, close }) => handOver === undefined || close === undefined, 'it hands over or closes, not both')

type HandOver = NonNullable<z.output<typeof answerSchema>['handOver']>

/** The answer in a response's body, none of it is an answer without anything; otherwise what is wrong with it, in a few words. */
export function readAnswer(bytes: Uint8Array): BotAnswer | { readonly problem: string } {
  if (bytes.length === 0) return { messages: [], commands: [] }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return { problem: 'its answer is not JSON' }
  }
  const parsed = answerSchema.safeParse(value)
  if (!parsed.success) return { problem: `its answer: ${firstComplaint(parsed.error, value)}` }
  const { messages, handOver, close } = parsed.data
  return {
    messages: messages.map(({ parts }) => parts as readonly Part[]),
    commands: close === true ? [{ do: 'close' }] : handOver === undefined ? [] : handingOver(handOver),
  }
}

function handingOver(handOver: HandOver): Command[] {
  if (handOver === true) return [{ do: 'requeue' }]
  const { team, note: text } = handOver
  if (team !== undefined) return [{ do: 'transfer', team, ...(text === undefined ? {} : { note: text }) }]
  return text === undefined ? [{ do: 'requeue' }] : [{ do: 'note', text }, { do: 'requeue' }]
}
