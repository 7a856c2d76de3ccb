import type { ConversationId } from '../../../codec/conversation-id.js'
import { isKefuError } from '../../../errors.js'
import { outboxLane } from '../../core/conversation.js'
import { parseCursor } from '../../core/cursor.js'
import type { LogRecord } from '../../core/log-record.js'
import type { MediaPort } from '../../core/media.js'
import type { Head } from '../../core/model.js'
import { pause } from '../../core/pause.js'
import type { Clock, DirectoryPort, EraserPort, LogPort, OutboxPort } from '../../core/ports.js'
import { mediaOf, retentionKinds } from '../../core/retention.js'
import type { RetentionKind } from '../../core/retention-kinds.js'
import type { ChannelRegistry } from '../registry/channels.js'
import { removeEntry, storeEntry } from '../registry/sole-writer.js'

/** What keeping for a time stands on. */
export type RetentionPorts = {
  readonly log: Pick<LogPort, 'cursor' | 'head' | 'readAt'>
  readonly eraser: EraserPort
  readonly outbox: Pick<OutboxPort, 'drop'>
  readonly directory: DirectoryPort
  readonly media: Pick<MediaPort, 'remove'>
  readonly channels: Pick<ChannelRegistry, 'list'>
  readonly clock: Clock
  /** As in `ForgettingPorts`. */
  onForgotten(conversation: ConversationId, seqs: readonly number[]): Promise<void>
  /** Something was removed in a run. */
  applied(run: RetentionRun): Promise<void>
  /** An error that no caller waits for. */
  report(error: unknown): void
}

/** What a run has removed. */
export type RetentionRun = { readonly at: number; readonly records: number; readonly files: number }

const FIRST_RUN_MS = 60_000
const EVERY_MS = 24 * 60 * 60_000
const DAY_MS = 24 * 60 * 60_000
/** Records that are looked at, then a pause: others have the disk meanwhile. */
const PAGE = 256
const PAUSE_MS = 20
const MARK = 'retention/'
/** Something was removed, and the store's files are not rid of it yet. */
const UNFINISHED = 'retention-unfinished'

/** What is kept for a time: of a channel, a kind. `seq`: up to where the log has been gone through. */
type Rule = {
  readonly key: string
  readonly channel: number
  readonly kind: RetentionKind
  readonly beforeMs: number
  seq: number
  isDone: boolean
}

/**
 * Forgets what has been kept for its time: a minute after the start, then once a day. Each rule has a mark in the directory, up to where the log has been gone through for
 * it, and goes on from there until it comes to what is younger. A page is removed before the marks move on, and each of its steps can be done again, so that a run
 * may end anywhere.
 */
export class Retention {
  readonly #ports: RetentionPorts
  readonly #abort = new AbortController()
  #cancel = (): void => undefined
  #running: Promise<void> = Promise.resolve()

  constructor(ports: RetentionPorts) {
    this.#ports = ports
  }

  /** Runs by itself from now on. */
  start(): void {
    this.#cancel = this.#ports.clock.after(FIRST_RUN_MS, () => this.#begin())
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.#abort.abort()
    this.#cancel()
    await this.#running
  }

  /** Goes through what is due; what was removed. One call at a time. Throws what the store throws: the next run goes on. */
  async run(): Promise<RetentionRun> {
    const { directory, eraser, clock, applied } = this.#ports
    const rules = await this.#rules()
    const at = Math.floor(clock.now())
    let records = 0
    let files = 0
    while (rules.some(({ isDone }) => !isDone) && !this.#abort.signal.aborted) {
      const removed = await this.#page(rules)
      records += removed.records
      files += removed.files
      await pause(clock, PAUSE_MS, this.#abort.signal)
    }
    const unfinished = await directory.get(UNFINISHED)
    if (unfinished !== null && !this.#abort.signal.aborted) {
      await eraser.expunge('all', this.#abort.signal)
      await removeEntry(directory, UNFINISHED, unfinished.revision)
    }
    const run = { at, records, files }
    if (records > 0) await applied(run)
    return run
  }

  #begin(): void {
    this.#running = this.run()
      .catch((error: unknown) => {
        if (!this.#abort.signal.aborted) this.#ports.report(error)
      })
      .then(() => {
        if (!this.#abort.signal.aborted) this.#cancel = this.#ports.clock.after(EVERY_MS, () => this.#begin())
      })
  }

  async #rules(): Promise<Rule[]> {
    const { channels, directory, clock } = this.#ports
    const rules: Rule[] = []
    for (const { number, retain = {} } of channels.list())
      for (const [kind, days] of Object.entries(retain) as [RetentionKind, number][]) {
        const key = `${MARK}${number}/${kind}`
        const seq = ((await directory.get(key))?.value as { readonly seq: number } | undefined)?.seq ?? 0
        rules.push({ key, channel: number, kind, beforeMs: clock.now() - days * DAY_MS, seq, isDone: false })
      }
    return rules
  }

  /** Goes through the records behind the rule that is furthest behind, for all rules that have not gone past them. */
  async #page(rules: readonly Rule[]): Promise<{ readonly records: number; readonly files: number }> {
    const { log } = this.#ports
    const open = rules.filter(({ isDone }) => !isDone)
    const after = Math.min(...open.map(({ seq }) => seq))
    const count = Math.min(PAGE, parseCursor(log.cursor()) - after)
    const seqs = Array.from({ length: Math.max(0, count) }, (_, i) => after + 1 + i)
    const records = seqs.length === 0 ? [] : await log.readAt(seqs)
    const before = open.map(({ seq }) => seq)
    const due = new Map<ConversationId, LogRecord[]>()
    const heads = new Map<ConversationId, Head>()
    for (const record of records) {
      const { conversation, at, seq, body } = record
      for (const rule of open) if (seq > rule.seq && at > rule.beforeMs) rule.isDone = true
      if (open.every(({ isDone }) => isDone)) break
      const kinds = retentionKinds(body)
      const head = kinds.length === 0 ? null : await log.head(conversation)
      let isDue = false
      for (const rule of open) {
        if (rule.isDone || seq <= rule.seq) continue
        rule.seq = seq
        if (head?.channel === rule.channel && kinds.includes(rule.kind)) isDue = true
      }
      if (!isDue || head === null) continue
      heads.set(conversation, head)
      const others = due.get(conversation)
      if (others === undefined) due.set(conversation, [record])
      else others.push(record)
    }
    if (records.length < PAGE) for (const rule of open) rule.isDone = true
    const removed = await this.#remove(due, heads)
    for (const [i, rule] of open.entries()) if (rule.seq !== before[i]) await this.#mark(rule)
    return removed
  }

  async #remove(
    due: ReadonlyMap<ConversationId, readonly LogRecord[]>,
    heads: ReadonlyMap<ConversationId, Head>,
  ): Promise<{ readonly records: number; readonly files: number }> {
    const { directory, eraser, media, onForgotten } = this.#ports
    if (due.size === 0) return { records: 0, files: 0 }
    if ((await directory.get(UNFINISHED)) === null) await storeEntry(directory, UNFINISHED, {}, undefined)
    let files = 0
    // The files first: once their names are forgotten nobody would find them.
    for (const [conversation, records] of due) {
      files += (
        await media.remove(
          conversation,
          records.flatMap(({ body }) => mediaOf(body)),
        )
      ).files
      for (const record of records) await this.#drop(heads.get(conversation)!, record)
    }
    const what = [...due].map(([conversation, records]) => ({ conversation, records: records.map(({ n }) => n) }))
    const count = await eraser.forget(what)
    for (const [conversation, records] of due)
      await onForgotten(
        conversation,
        records.map(({ seq }) => seq),
      )
    return { records: count, files }
  }

  /** What was given up, or never went, does not go any more. */
  async #drop(head: Head, { conversation, n, body, flags }: LogRecord): Promise<void> {
    if (outboxLane(head, body, flags) === undefined) return
    try {
      await this.#ports.outbox.drop(conversation, n)
    } catch (error) {
      if (!isKefuError(error, 'KEFU_OUTBOX_STATE') && !isKefuError(error, 'KEFU_OUTBOX_NOT_FOUND')) throw error
    }
  }

  async #mark({ key, seq }: Rule): Promise<void> {
    const { directory } = this.#ports
    await storeEntry(directory, key, { seq }, (await directory.get(key))?.revision)
  }
}
