import { z } from 'zod'

const since = '0.1.0'
const count = z.int().min(0)

/** `ref`: the id of a conversation, or CHANNEL/CONTACT. */
const request = z.strictObject({ ref: z.string().min(1).max(1_000) })

const holdings = {
  conversation: z.string(),
  /** Records that are not forgotten, and the messages among them. */
  records: count,
  messages: count,
  /** Uploaded and fetched files, and their bytes on disk. */
  mediaFiles: count,
  mediaBytes: count,
  /** Messages on their way to the platform, or given up. */
  outbox: count,
}

/** The operations that forget what was said: part of the one table. */
export const FORGET_OPERATIONS = {
  'history.info': {
    summary: 'what there is of a conversation that could be forgotten, and the other conversations of the same person',
    request,
    answer: z.object({
      holdings: z.object({ ...holdings, channel: z.string() }).readonly(),
      others: z.array(z.object({ conversation: z.string(), channel: z.string() }).readonly()),
    }),
    mutates: false,
    stream: false,
    since,
  },
  'history.forget': {
    summary:
      'removes what was said in a conversation and who the contact was, for good; what is left are numbers and times',
    request,
    /** Records 1 to `upTo`, up to position `seq` of the log; `channel` is a number. `sha256`: of the receipt without it, as JSON, its fields in the order of the engine's type. */
    answer: z.object({
      receipt: z
        .object({ ...holdings, channel: count, upTo: count, seq: count, at: z.int(), sha256: z.string() })
        .readonly(),
    }),
    mutates: true,
    stream: false,
    since,
  },
} as const
