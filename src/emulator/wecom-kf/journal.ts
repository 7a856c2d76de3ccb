import type { Clock } from '../core/clock.js'

/** What an account has to fetch, in order. */
export type JournalEntry = Readonly<Record<string, unknown>>

const KEPT_MS = 3 * 24 * 3_600_000
const KEPT_ENTRIES = 10_000
const CURSOR = /^c(\d{1,15})(e?)$/

/** Entries of three days, at most 10,000, and reading them by cursor. */
export class Journal {
  readonly #clock: Pick<Clock, 'now'>
  #entries: { readonly n: number; readonly atMs: number; readonly entry: JournalEntry }[] = []
  #count = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  add(entry: JournalEntry): void {
    this.#entries.push({ n: ++this.#count, atMs: this.#clock.now(), entry })
    if (this.#entries.length > KEPT_ENTRIES) this.#entries.shift()
  }

  /**
   * A page after a cursor; undefined for one that was never given out. Before entries there always comes an empty page that has more, as it may on the platform.
   */
  page(cursor: string, limit: number): { list: readonly JournalEntry[]; next: string; hasMore: boolean } | undefined {
    const found = cursor === '' ? ['', '0', ''] : CURSOR.exec(cursor)
    if (found === null) return undefined
    const after = Number(found[1])
    if (after > this.#count) return undefined
    const since = this.#clock.now() - KEPT_MS
    this.#entries = this.#entries.filter(({ atMs }) => atMs >= since)
    const waiting = this.#entries.filter(({ n }) => n > after)
    if (waiting.length === 0) return { list: [], next: `c${after}`, hasMore: false }
    if (found[2] === '') return { list: [], next: `c${after}e`, hasMore: true }
    const page = waiting.slice(0, limit)
    const hasMore = waiting.length > page.length
    return { list: page.map(({ entry }) => entry), next: `c${page.at(-1)!.n}${hasMore ? 'e' : ''}`, hasMore }
  }
}
