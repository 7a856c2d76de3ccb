import type { BotStatus } from '../../core/bot.js'
import type { Agent } from '../../core/model.js'
import type { LogEntry, LogPort, ViewPort } from '../../core/ports.js'
import { removeStrays } from '../../core/strays.js'
import type { VaultControlPort } from '../../core/vault.js'
import { followLog } from '../../engine/follow.js'
import type { AgentRegistry } from '../../engine/registry/agents.js'
import { type BotPorts, BotWorker } from './worker.js'

/** What bots that are called stand on. */
export type BotsPorts = Omit<BotPorts, 'log' | 'vault'> & {
  readonly log: LogPort
  readonly view: Pick<ViewPort, 'active'>
  readonly agents: Pick<AgentRegistry, 'list' | 'byId' | 'onChange'>
  readonly vault: Pick<VaultControlPort, 'secrets' | 'list' | 'unreadable' | 'removeOwner'>
}

const OWNER = 'agent/'

/** The bots that are called: a worker for each agent with an endpoint, which hears of what contacts write to it from the log. */
export class Bots {
  readonly #ports: BotsPorts
  readonly #workers = new Map<string, { readonly worker: BotWorker; readonly bot: Agent }>()
  readonly #abort = new AbortController()
  #following: Promise<void> = Promise.resolve()
  /** Changes of workers, one after the other. */
  #changes: Promise<void> = Promise.resolve()
  #endListening: (() => void) | undefined

  private constructor(ports: BotsPorts) {
    this.#ports = ports
  }

  /** Begins to answer. Call after the engine's start. */
  static async start(ports: BotsPorts): Promise<Bots> {
    const { log, clock, agents, vault, report } = ports
    const bots = new Bots(ports)
    await removeStrays(
      vault,
      owner => owner.startsWith(OWNER) && agents.byId(owner.slice(OWNER.length)) === undefined,
    ).catch(report)
    bots.#following = followLog(
      { log, clock, handle: entry => bots.#observe(entry), batchEnded: () => undefined, report },
      log.cursor(),
      bots.#abort.signal,
    )
    bots.#endListening = agents.onChange(change => {
      const { id } = change.type === 'removed' ? change.before : change.value
      bots.#inTurn(() => bots.#changed(id))
    })
    for (const { id } of agents.list()) bots.#inTurn(() => bots.#changed(id))
    return bots
  }

  /** Ends all calls. Never rejects. */
  async close(): Promise<void> {
    this.#endListening?.()
    this.#abort.abort()
    await this.#following
    await this.#changes
    await Promise.all([...this.#workers.values()].map(({ worker }) => worker.close()))
  }

  /** Undefined for an agent that is not called. */
  status(agent: string): BotStatus | undefined {
    return this.#workers.get(agent)?.worker.status
  }

  #observe({ record, head }: LogEntry): void {
    if (this.#workers.size === 0) return
    const { body } = record
    if (body.type === 'queued' || body.type === 'assigned' || body.type === 'closed')
      for (const [id, { worker }] of this.#workers) if (id !== head.agent) worker.left(record.conversation)
    if (head.state !== 'bot' || head.agent === undefined) return
    if (body.type === 'assigned' || (body.type === 'message' && body.by.role === 'contact'))
      this.#workers.get(head.agent)?.worker.due(record.conversation)
  }

  /** An agent as it is now. */
  async #changed(id: string): Promise<void> {
    const { agents, presence, view, vault } = this.#ports
    const bot = agents.byId(id)
    const before = this.#workers.get(id)
    if (bot === undefined) await vault.removeOwner(`${OWNER}${id}`)
    if (before?.bot.endpoint === bot?.endpoint && before?.bot.name === bot?.name) return
    if (before !== undefined) {
      await before.worker.close()
      this.#workers.delete(id)
      presence.callable(id, false)
    }
    if (bot?.endpoint === undefined || this.#abort.signal.aborted) return
    const worker = new BotWorker(this.#ports, bot)
    this.#workers.set(id, { worker, bot })
    worker.start()
    for (const head of await view.active(id, Number.MAX_SAFE_INTEGER)) worker.due(head.conversation)
  }

  #inTurn(step: () => Promise<void>): void {
    this.#changes = this.#changes.then(step).catch((error: unknown) => this.#ports.report(error))
  }
}
