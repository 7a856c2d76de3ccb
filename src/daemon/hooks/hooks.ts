import { toBase32 } from '../../codec/base32.js'
import type { ConversationId } from '../../codec/conversation-id.js'
import { KefuError } from '../../errors.js'
import { parseCursor } from '../core/cursor.js'
import type { CallReport, DeadLetter, Hook, HookStatus, HookStop, HooksPort } from '../core/hook.js'
import { pause } from '../core/pause.js'
import type { DirectoryPort, LogPort } from '../core/ports.js'
import { removeStrays } from '../core/strays.js'
import type { VaultControlPort } from '../core/vault.js'
import type { HookRegistry } from '../engine/registry/hooks.js'
import { HookCursors } from './cursors.js'
import { DeadLetters } from './dead-letters.js'
import { deliverRecord, deliverTest, type Outcome } from './delivery.js'
import { retryDelayMs } from './pace.js'
import { HookWorker, type WorkerPorts } from './worker.js'

/** What the hooks at work stand on. */
export type HooksPorts = Omit<WorkerPorts, 'log' | 'cursors' | 'dead' | 'stop' | 'random' | 'vault'> & {
  readonly registry: HookRegistry
  readonly directory: DirectoryPort
  readonly log: Pick<LogPort, 'tail' | 'cursor' | 'read' | 'head'>
  readonly vault: Pick<VaultControlPort, 'secrets' | 'list' | 'unreadable' | 'removeOwner'>
  random(length: number): Uint8Array
}

const OWNER = 'hook/'
const TEST_WORD_BYTES = 5

/** The hooks at work: a worker for each that is not stopped, made anew when it is changed. What a removed one had is removed. */
export class Hooks implements HooksPort {
  readonly #ports: HooksPorts
  readonly #cursors: HookCursors
  readonly #dead: DeadLetters
  readonly #workers = new Map<string, HookWorker>()
  readonly #ending = new AbortController()
  /** Changes of workers, one after the other. */
  #changes: Promise<void> = Promise.resolve()
  #endListening: (() => void) | undefined

  private constructor(ports: HooksPorts, cursors: HookCursors, dead: DeadLetters) {
    this.#ports = ports
    this.#cursors = cursors
    this.#dead = dead
  }

  /** Reads where each hook stands, and begins to deliver. Throws `KEFU_STORE_CORRUPT` for an entry that is none. */
  static async start(ports: HooksPorts): Promise<Hooks> {
    const { registry, directory } = ports
    const hooks = new Hooks(ports, await HookCursors.load(directory), await DeadLetters.load(directory))
    await hooks.#sweep()
    for (const hook of registry.list()) hooks.#open(hook)
    hooks.#endListening = registry.onChange(change => {
      const hook = change.type === 'removed' ? change.before : change.value
      hooks.#inTurn(async () => {
        await hooks.#end(hook.id)
        if (change.type === 'removed') await hooks.#forgetHook(hook.id)
        else hooks.#open(registry.byId(hook.id))
      })
    })
    return hooks
  }

  /** Ends all deliveries, and stores where each hook stands. Never rejects. */
  async close(): Promise<void> {
    this.#endListening?.()
    this.#ending.abort()
    await this.#changes
    await Promise.all([...this.#workers.keys()].map(id => this.#end(id)))
  }

  status(hook: Hook): HookStatus {
    const { log } = this.#ports
    const cursor = this.#cursors.get(hook.id) ?? hook.begin
    const idle = { state: 'stopped' as const, cursor, delivered: 0, failed: 0 }
    const status = this.#workers.get(hook.id)?.status ?? idle
    const lag = Math.max(0, parseCursor(log.cursor()) - status.cursor)
    return { ...status, lag, dead: this.#dead.count(hook.id) }
  }

  test(hook: Hook, abort: AbortSignal): Promise<CallReport> {
    const word = toBase32(this.#ports.random(TEST_WORD_BYTES))
    return this.#timed(() => deliverTest(this.#ports, hook, word, abort))
  }

  deadLetters(hook: Hook): readonly DeadLetter[] {
    return this.#dead.list(hook.id)
  }

  async resend(hook: Hook, seq: number, abort: AbortSignal): Promise<CallReport> {
    const { log, clock } = this.#ports
    const letter = this.#dead.get(hook.id, seq)
    if (letter === undefined) throw new KefuError('KEFU_DEAD_LETTER_NOT_FOUND', { name: hook.name, seq })
    const { conversation, n } = letter
    const [record] = await log.read(conversation, n - 1, 1)
    const head = await log.head(conversation)
    if (record === undefined || head === null)
      throw new KefuError('KEFU_DEAD_LETTER_NOT_FOUND', { name: hook.name, seq })
    const report = await this.#timed(() => deliverRecord(this.#ports, hook, record, head, abort))
    if (report.ok) await this.#dead.remove(hook.id, seq)
    else if (!abort.aborted && this.#dead.get(hook.id, seq) !== undefined) {
      const reason = report.reason ?? letter.reason
      await this.#dead.put(hook.id, { ...letter, at: Math.floor(clock.now()), attempts: letter.attempts + 1, reason })
    }
    return report
  }

  async forget(hook: Hook, seqs?: readonly number[]): Promise<number> {
    let count = 0
    for (const seq of seqs ?? this.#dead.list(hook.id).map(letter => letter.seq))
      if (await this.#dead.remove(hook.id, seq)) count++
    return count
  }

  /** Of a conversation that is forgotten: what was given up goes, and what still has to go is read from the log again. */
  async forgetConversation(conversation: ConversationId): Promise<void> {
    for (const id of this.#dead.ids())
      for (const { seq, conversation: own } of this.#dead.list(id))
        if (own === conversation) await this.#dead.remove(id, seq)
    for (const hook of this.#ports.registry.list())
      if (this.status(hook).lag > 0)
        this.#inTurn(async () => {
          await this.#end(hook.id)
          this.#open(this.#ports.registry.byId(hook.id))
        })
    await this.#changes
  }

  #open(hook: Hook | undefined): void {
    if (hook === undefined || hook.stopped !== undefined || this.#ending.signal.aborted || this.#workers.has(hook.id))
      return
    const random = (): number => Buffer.from(this.#ports.random(4)).readUInt32BE(0) / 2 ** 32
    const worker: HookWorker = new HookWorker(
      {
        ...this.#ports,
        random,
        cursors: this.#cursors,
        dead: this.#dead,
        stop: why => void this.#stop(worker, hook, why, random),
      },
      hook,
    )
    this.#workers.set(hook.id, worker)
    worker.start()
  }

  /** Notes why a worker has ended; again and again while that cannot be stored: until then the hook would stand still and nothing would say so. */
  async #stop(worker: HookWorker, { id, name }: Hook, why: HookStop, random: () => number): Promise<void> {
    const { registry, clock, report } = this.#ports
    const { signal } = this.#ending
    // One that was changed meanwhile, or removed and made anew under its name, is another one.
    const isPresent = (): boolean => this.#workers.get(id) === worker && registry.byId(id) !== undefined
    for (let attempt = 1; !signal.aborted && isPresent(); attempt++) {
      try {
        await registry.set(name, { stopped: why })
        return
      } catch (error) {
        report(error)
        await pause(clock, retryDelayMs(attempt, random), signal)
      }
    }
  }

  async #end(id: string): Promise<void> {
    await this.#workers.get(id)?.close()
    this.#workers.delete(id)
  }

  async #forgetHook(id: string): Promise<void> {
    await this.#cursors.remove(id)
    await this.#dead.removeAll(id)
    await this.#ports.vault.removeOwner(`${OWNER}${id}`)
  }

  /** What a crash has left of hooks that are gone, or that did not come to be. */
  async #sweep(): Promise<void> {
    const { registry, vault, report } = this.#ports
    const isGone = (id: string): boolean => registry.byId(id) === undefined
    for (const id of new Set([...this.#cursors.ids(), ...this.#dead.ids()]))
      if (isGone(id)) await this.#forgetHook(id).catch(report)
    await removeStrays(vault, owner => owner.startsWith(OWNER) && isGone(owner.slice(OWNER.length))).catch(report)
  }

  #inTurn(step: () => Promise<void>): void {
    this.#changes = this.#changes.then(step).catch((error: unknown) => this.#ports.report(error))
  }

  async #timed(call: () => Promise<Outcome>): Promise<CallReport> {
    const { clock } = this.#ports
    const startMs = clock.monotonicMs()
    const outcome = await call()
    const ms = Math.round(clock.monotonicMs() - startMs)
    if (outcome.type === 'delivered') return { ok: true, status: outcome.status, ms }
    const { status, reason } = outcome
    return { ok: false, ...(status === undefined ? {} : { status }), reason, ms }
  }
}
