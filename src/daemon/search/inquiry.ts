import { isKefuError, KefuError } from '../../errors.js'
import type { LogRecord } from '../core/log-record.js'
import type { Head } from '../core/model.js'
import type { LogPort } from '../core/ports.js'
import type { DocFilter, IndexHit, TextQuery } from '../core/search.js'
import { packBatch, type RecordBatch } from './batch.js'
import type { Answers, Ask, FoundLine } from './protocol.js'
import { type WalkRange, type WalkSteps, walk } from './walk.js'

/** What an inquiry stands on. */
export type InquiryPorts = {
  readonly log: Pick<LogPort, 'readAt' | 'head'>
  handed(): number
  /** Asks the thread; a question that it did not live to answer is made and asked once more. */
  ask<A extends Ask>(make: () => A): Promise<Answers[A['type']]>
  /** The index cannot be read: it is built anew, and has nothing until then. */
  damaged(error: KefuError): void
}

/** For how long one inquiry may go on, and how to see that. */
export type TimeLeft = { leftMs(): number; readonly signal: AbortSignal }

/** What is looked for. */
export type Sought = { readonly text: TextQuery; readonly filter: DocFilter }

type Question = Extract<Ask, { type: 'search' }>

/** A question holds up what the thread does for others for so long at most. */
const SLICE_MS = 100
/** Hits that the index is asked for at once. */
const PLACES_AT_ONCE = 1_000

/** The ways to look through index and log; all end when the time is over, and tell where. */
export class Inquiry {
  readonly #ports: InquiryPorts
  readonly #range: WalkRange
  readonly #time: TimeLeft

  constructor(ports: InquiryPorts, range: WalkRange, time: TimeLeft) {
    this.#ports = ports
    this.#range = range
    this.#time = time
  }

  /** Gives lines that are hits to `take`, in order, as the log has them, until it says that it has enough: about after `wanted`. */
  lines(
    sought: Sought,
    wanted: number,
    take: (line: FoundLine) => Promise<boolean> | boolean,
  ): Promise<number | undefined> {
    const find = async (records: readonly LogRecord[]): Promise<number | undefined> => {
      const lines = await this.find(sought, records)
      for (const line of this.#range.order === 'newest' ? lines.toSorted((a, b) => b.seq - a.seq) : lines)
        if (await take(line)) return line.seq
      return undefined
    }
    return this.#walk(sought, wanted, {
      hits: async hits => find(await this.#ports.log.readAt(hits.map(({ seq }) => seq))),
      scan: find,
    })
  }

  /** Gives the conversations of hits to `take`, until it says that it has enough; those of the index as that has them. */
  places(sought: Sought, take: (hit: IndexHit) => Promise<boolean> | boolean): Promise<number | undefined> {
    const each = async (hits: readonly IndexHit[]): Promise<number | undefined> => {
      for (const hit of hits) if (await take(hit)) return hit.seq
      return undefined
    }
    return this.#walk(sought, PLACES_AT_ONCE, {
      hits: each,
      scan: async records => each(await this.find(sought, records)),
    })
  }

  /** Counts hits. */
  async count({ text, filter }: Sought): Promise<{ readonly count: number; readonly next?: number }> {
    let count = 0
    const next = await this.#guarded({
      index: async (after, needed) => {
        const found = await this.#ports.ask(() => ({ type: 'count', ...this.#question({ text, filter }, after, 1) }))
        if (found.indexedSeq >= needed) count += found.count
        return found
      },
      scan: async records => {
        const batch = await this.#batchOf(records)
        count += await this.#ports.ask(() => ({ type: 'tally', text, filter, batch: copyOf(batch) }))
        return undefined
      },
    })
    return next === undefined ? { count } : { count, next }
  }

  /** The hits among records, in their order. */
  async find({ text, filter }: Sought, records: readonly LogRecord[]): Promise<readonly FoundLine[]> {
    if (records.length === 0) return []
    const batch = await this.#batchOf(records)
    return this.#ports.ask(() => ({ type: 'find', text, filter, batch: copyOf(batch) }))
  }

  #walk(
    sought: Sought,
    limit: number,
    each: {
      hits(hits: readonly IndexHit[]): Promise<number | undefined>
      scan(records: readonly LogRecord[]): Promise<number | undefined>
    },
  ): Promise<number | undefined> {
    let enough: number | undefined
    return this.#guarded({
      isEnough: () => enough !== undefined,
      index: async (after, needed) => {
        const page = await this.#ports.ask(() => ({ type: 'search', ...this.#question(sought, after, limit) }))
        if (page.indexedSeq < needed) return page
        enough = await each.hits(page.hits)
        return enough === undefined ? page : { indexedSeq: page.indexedSeq, next: enough }
      },
      scan: each.scan,
    })
  }

  #question({ text, filter }: Sought, after: number, limit: number): Pick<Question, 'query' | 'budgetMs'> {
    const query = { text, filter, order: this.#range.order, after, limit }
    return { query, budgetMs: Math.max(1, Math.min(SLICE_MS, this.#time.leftMs())) }
  }

  #guarded(steps: {
    isEnough?(): boolean
    readonly index: WalkSteps['index']
    scan(records: readonly LogRecord[]): Promise<number | undefined>
  }): Promise<number | undefined> {
    const { log, handed, damaged } = this.#ports
    const { signal } = this.#time
    return walk(this.#range, {
      handed,
      isOver: () => {
        if (signal.aborted) throw new KefuError('KEFU_ABORTED')
        return steps.isEnough?.() === true || this.#time.leftMs() <= 0
      },
      index: async (after, needed) => {
        try {
          return await steps.index(after, needed)
        } catch (error) {
          if (!isKefuError(error, 'KEFU_SEARCH_DAMAGED')) throw error
          damaged(error)
          return { indexedSeq: 0, ...(needed === 0 && { next: after }) }
        }
      },
      scan: async seqs => steps.scan(await log.readAt(seqs)),
    })
  }

  async #batchOf(records: readonly LogRecord[]): Promise<RecordBatch> {
    const ids = [...new Set(records.map(({ conversation }) => conversation))]
    const heads = await Promise.all(ids.map(id => this.#ports.log.head(id)))
    const headOf = new Map<string, Head | null>(ids.map((id, i) => [id, heads[i] ?? null]))
    return packBatch(
      records.map(record => {
        const head = headOf.get(record.conversation)
        if (head == null)
          throw new KefuError('KEFU_STORE_CORRUPT', {
            where: `conversation ${record.conversation} has records but no head`,
          })
        return { record, head }
      }),
    )
  }
}

/** What is handed over is gone, and a question may have to be asked once more. */
function copyOf(batch: RecordBatch): RecordBatch {
  return { ...batch, bytes: batch.bytes.slice(), ends: batch.ends.slice(), of: batch.of.slice() }
}
