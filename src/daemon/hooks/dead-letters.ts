import { z } from 'zod'
import type { ConversationId } from '../../codec/conversation-id.js'
import { KefuError } from '../../errors.js'
import { type DeadLetter, HOOK_LIMITS, type RecordType } from '../core/hook.js'
import type { DirectoryPort } from '../core/ports.js'
import { removeEntry, storeEntry } from '../engine/registry/sole-writer.js'

const PREFIX = 'hook-dead/'
const SEQ_DIGITS = 16

const letterSchema = z.object({
  seq: z.int(),
  conversation: z.string(),
  n: z.int(),
  type: z.string(),
  at: z.int(),
  attempts: z.int(),
  reason: z.string(),
})

type Kept = { readonly letter: DeadLetter; readonly revision: number }

/** What hooks have given up on: bounded for each, durable when a change resolves. */
export class DeadLetters {
  readonly #directory: DirectoryPort
  readonly #hooks = new Map<string, Map<number, Kept>>()

  private constructor(directory: DirectoryPort) {
    this.#directory = directory
  }

  /** Reads what is stored. Throws `KEFU_STORE_CORRUPT` for an entry that is none. */
  static async load(directory: DirectoryPort): Promise<DeadLetters> {
    const letters = new DeadLetters(directory)
    for (const { key, value, revision } of await directory.list(PREFIX)) {
      const parsed = letterSchema.safeParse(value)
      const [id, seq] = key.slice(PREFIX.length).split('/')
      if (!parsed.success || id === undefined || Number(seq) !== parsed.data.seq)
        throw new KefuError('KEFU_STORE_CORRUPT', { where: `directory entry ${key}` })
      const { conversation, type, ...rest } = parsed.data
      const letter = { ...rest, conversation: conversation as ConversationId, type: type as RecordType }
      letters.#of(id).set(letter.seq, { letter, revision })
    }
    return letters
  }

  ids(): string[] {
    return [...this.#hooks.keys()]
  }

  count(id: string): number {
    return this.#hooks.get(id)?.size ?? 0
  }

  /** In log order. */
  list(id: string): readonly DeadLetter[] {
    return [...(this.#hooks.get(id)?.values() ?? [])].map(({ letter }) => letter).sort((a, b) => a.seq - b.seq)
  }

  get(id: string, seq: number): DeadLetter | undefined {
    return this.#hooks.get(id)?.get(seq)?.letter
  }

  /** Keeps one, in place of one of the same record; false, and nothing is kept, when there are as many as may be. */
  async put(id: string, letter: DeadLetter): Promise<boolean> {
    const letters = this.#of(id)
    const present = letters.get(letter.seq)
    if (present === undefined && letters.size >= HOOK_LIMITS.deadLetters) return false
    const revision = await storeEntry(this.#directory, keyOf(id, letter.seq), letter, present?.revision)
    letters.set(letter.seq, { letter, revision })
    return true
  }

  /** Whether there was one. */
  async remove(id: string, seq: number): Promise<boolean> {
    const present = this.#hooks.get(id)?.get(seq)
    if (present === undefined) return false
    await removeEntry(this.#directory, keyOf(id, seq), present.revision)
    this.#hooks.get(id)?.delete(seq)
    return true
  }

  /** All of a hook that is gone. */
  async removeAll(id: string): Promise<void> {
    for (const { seq } of this.list(id)) await this.remove(id, seq)
    this.#hooks.delete(id)
  }

  #of(id: string): Map<number, Kept> {
    let letters = this.#hooks.get(id)
    if (letters === undefined) {
      letters = new Map()
      this.#hooks.set(id, letters)
    }
    return letters
  }
}

function keyOf(id: string, seq: number): string {
  return `${PREFIX}${id}/${String(seq).padStart(SEQ_DIGITS, '0')}`
}
