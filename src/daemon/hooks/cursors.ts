import { z } from 'zod'
import { KefuError } from '../../errors.js'
import type { DirectoryPort } from '../core/ports.js'
import { removeEntry, storeEntry } from '../engine/registry/sole-writer.js'

const PREFIX = 'hook-cursor/'
const cursorSchema = z.object({ seq: z.int().min(0) })

/** How far each hook has got, by its id. Durable when a change resolves. */
export class HookCursors {
  readonly #directory: DirectoryPort
  readonly #entries = new Map<string, { readonly seq: number; readonly revision: number }>()

  private constructor(directory: DirectoryPort) {
    this.#directory = directory
  }

  /** Reads what is stored. Throws `KEFU_STORE_CORRUPT` for an entry that is no cursor. */
  static async load(directory: DirectoryPort): Promise<HookCursors> {
    const cursors = new HookCursors(directory)
    for (const { key, value, revision } of await directory.list(PREFIX)) {
      const parsed = cursorSchema.safeParse(value)
      if (!parsed.success) throw new KefuError('KEFU_STORE_CORRUPT', { where: `directory entry ${key}` })
      cursors.#entries.set(key.slice(PREFIX.length), { seq: parsed.data.seq, revision })
    }
    return cursors
  }

  ids(): string[] {
    return [...this.#entries.keys()]
  }

  get(id: string): number | undefined {
    return this.#entries.get(id)?.seq
  }

  /** Of one hook, one call after the other. */
  async set(id: string, seq: number): Promise<void> {
    const before = this.#entries.get(id)?.revision
    const revision = await storeEntry(this.#directory, `${PREFIX}${id}`, { seq }, before)
    this.#entries.set(id, { seq, revision })
  }

  async remove(id: string): Promise<void> {
    const present = this.#entries.get(id)
    if (present === undefined) return
    this.#entries.delete(id)
    await removeEntry(this.#directory, `${PREFIX}${id}`, present.revision)
  }
}
