import { toBase32 } from '../../../codec/base32.js'
import type { ConversationId } from '../../../codec/conversation-id.js'
import { toKefuError } from '../../../errors.js'
import type { BotStatus } from '../../core/bot.js'
import type { Actor } from '../../core/commands.js'
import type { Agent, Head } from '../../core/model.js'
import type { LogPort } from '../../core/ports.js'
import type { MessageRecordBody } from '../../core/records.js'
import type { Commands } from '../../engine/routing/commands.js'
import type { Presence } from '../../engine/routing/presence.js'
import type { Log } from '../../observe/log.js'
import { retryDelayMs } from '../pace.js'
import { askBot, type Exchange, type ExchangePorts, probeBot } from './exchange.js'
import { answerId, unanswered } from './unanswered.js'

/** What a bot's worker stands on. */
export type BotPorts = ExchangePorts & {
  readonly log: Pick<LogPort, 'head' | 'read'>
  readonly commands: Pick<Commands, 'answer'>
  readonly presence: Pick<Presence, 'callable'>
  readonly events: Pick<Log, 'info' | 'warn'>
  random(length: number): Uint8Array
  /** An error that no caller waits for. */
  report(error: unknown): void
}

/** A conversation that is being looked after, and what has become of it meanwhile. */
type Busy = { isDueAgain: boolean; hasLeft: boolean }

/** Conversations that are asked about at once. */
const IN_FLIGHT = 16
/** Records that are looked through for what is not answered, and messages of them that are asked about at once. */
const LOOK_BACK = 100
const MESSAGES = 20
/** Wrong answers in a row that mean that it answers nothing right. */
const WRONG = 3
const AGAIN_MS = 1_000

/**
 * A bot that is called: asks its endpoint what to say to what contacts write, one question at a time in a conversation, several conversations at once. What is
 * not answered in time, or not as an answer should be, goes to people. While the endpoint does not work the bot counts as offline, and is tried from
 * time to time. Keeps nothing that the log does not say: after a crash it asks again, under the same id, what has no answer there.
 */
export class BotWorker {
  readonly #ports: BotPorts
  readonly #bot: Agent
  readonly #actor: Extract<Actor, { role: 'agent' }>
  readonly #abort = new AbortController()
  /** Conversations in which somebody may wait for an answer, in the order in which that became so; those that are being looked after. */
  readonly #due = new Set<ConversationId>()
  readonly #busy = new Map<ConversationId, Busy>()
  /** Up to which record it has been asked, of conversations that it has: an answer may be silence, which leaves nothing in the log. */
  readonly #asked = new Map<ConversationId, number>()
  #state: 'new' | 'up' | 'down' = 'new'
  #probes = 0
  #wrong = 0
  #cancelProbe: (() => void) | undefined
  #whenIdle: (() => void) | undefined
  #answered = 0
  #silent = 0
  #failures = 0
  #lastError: BotStatus['lastError']

  constructor(ports: BotPorts, bot: Agent) {
    this.#ports = ports
    this.#bot = bot
    this.#actor = { role: 'agent', id: bot.id, name: bot.name, isSupervisor: false }
  }

  get status(): BotStatus {
    const [lastError, isUp] = [this.#lastError, this.#state === 'up']
    const counts = { answered: this.#answered, silent: this.#silent, failed: this.#failures }
    return { isUp, ...counts, ...(lastError === undefined ? {} : { lastError }) }
  }

  start(): void {
    void this.#probe()
  }

  /** Somebody may wait for an answer of this bot. Returns at once. */
  due(conversation: ConversationId): void {
    const busy = this.#busy.get(conversation)
    if (busy === undefined) this.#due.add(conversation)
    else busy.isDueAgain = true
    this.#pump()
  }

  /** The conversation is somebody else's from here on. */
  left(conversation: ConversationId): void {
    this.#due.delete(conversation)
    this.#asked.delete(conversation)
    const busy = this.#busy.get(conversation)
    if (busy !== undefined) Object.assign(busy, { isDueAgain: false, hasLeft: true })
  }

  /** Ends calls on their way; resolves when nothing is appended any more. Whether the bot is there is for the caller to say then. */
  async close(): Promise<void> {
    this.#abort.abort()
    this.#cancelProbe?.()
    if (this.#busy.size > 0) await new Promise<void>(resolve => (this.#whenIdle = resolve))
  }

  #pump(): void {
    // At the beginning nobody knows yet whether it works: it is about to be seen.
    if (this.#state === 'new' || this.#abort.signal.aborted) return
    for (const conversation of this.#due) {
      if (this.#busy.size >= IN_FLIGHT) return
      this.#due.delete(conversation)
      void this.#look(conversation)
    }
  }

  async #look(conversation: ConversationId): Promise<void> {
    const busy: Busy = { isDueAgain: false, hasLeft: false }
    this.#busy.set(conversation, busy)
    try {
      await this.#serve(conversation, busy)
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#failed(conversation, error)
    }
    this.#busy.delete(conversation)
    if (busy.isDueAgain) this.#due.add(conversation)
    if (this.#busy.size === 0) this.#whenIdle?.()
    this.#pump()
  }

  async #serve(conversation: ConversationId, busy: Busy): Promise<void> {
    const { log } = this.#ports
    const head = await log.head(conversation)
    if (head === null || head.state !== 'bot' || head.agent !== this.#bot.id) return
    // All of them: cut at a number of bytes, the newest would be missing.
    const records = await log.read(conversation, Math.max(0, head.n - LOOK_BACK), LOOK_BACK, Number.POSITIVE_INFINITY)
    const asked = this.#asked.get(conversation) ?? 0
    const messages = unanswered(records, this.#bot.id)
      .filter(({ n }) => n > asked)
      .slice(-MESSAGES)
    const last = messages.at(-1)
    if (last === undefined) return
    if (this.#state === 'down') {
      await this.#handOver(head, 'it is down')
      return
    }
    const exchange = await askBot(this.#ports, this.#bot, head, messages, this.#abort.signal)
    if (this.#abort.signal.aborted) return
    if (exchange.type === 'answered') await this.#say(head, last.n, exchange, busy)
    else await this.#fail(head, exchange)
  }

  async #say(head: Head, n: number, { answer }: Extract<Exchange, { type: 'answered' }>, busy: Busy): Promise<void> {
    const { id, name } = this.#bot
    const said = answer.messages.map(
      (parts, index): MessageRecordBody => ({
        type: 'message',
        by: { role: 'agent', id, name },
        id: answerId(n, index),
        parts,
      }),
    )
    if (said.length + answer.commands.length === 0) this.#silent++
    else {
      try {
        await this.#ports.commands.answer(head.conversation, this.#actor, said, answer.commands)
        this.#answered++
      } catch (error) {
        const { retryable, message } = toKefuError(error)
        if (retryable) throw error
        await this.#fail(head, { type: 'wrong', reason: message })
        return
      }
    }
    this.#wrong = 0
    // Of one that is somebody else's by now nothing would forget it.
    if (!busy.hasLeft) this.#asked.set(head.conversation, n)
  }

  async #fail(head: Head, { type, reason }: Exclude<Exchange, { type: 'answered' }>): Promise<void> {
    this.#failures++
    this.#failedFor(reason)
    if (type === 'unreachable' || ++this.#wrong >= WRONG) this.#down(reason)
    await this.#handOver(head, reason)
  }

  async #handOver({ conversation }: Head, reason: string): Promise<void> {
    const { commands, events } = this.#ports
    const { changed } = await commands.answer(conversation, this.#actor, [], [{ do: 'requeue' }])
    if (changed) events.warn('bot.handed-over', { bot: this.#bot.name, conversation, reason })
  }

  /** The log did not take it, or could not be read: what is in it is looked at again. */
  #failed(conversation: ConversationId, error: unknown): void {
    this.#ports.report(error)
    if (!toKefuError(error).retryable) return
    this.#ports.clock.after(AGAIN_MS, () => this.due(conversation))
  }

  #failedFor(reason: string): void {
    this.#lastError = { at: Math.floor(this.#ports.clock.now()), reason }
  }

  #down(reason: string): void {
    if (this.#state === 'down') return
    const isNews = this.#state === 'up'
    this.#state = 'down'
    if (isNews) {
      this.#ports.events.warn('bot.down', { bot: this.#bot.name, reason })
      this.#ports.presence.callable(this.#bot.id, false)
    }
    this.#probeLater()
    this.#pump()
  }

  #up(): void {
    this.#state = 'up'
    this.#probes = 0
    this.#wrong = 0
    this.#ports.events.info('bot.up', { bot: this.#bot.name })
    this.#ports.presence.callable(this.#bot.id, true)
    this.#pump()
  }

  #probeLater(): void {
    const random = (): number => Buffer.from(this.#ports.random(4)).readUInt32BE(0) / 2 ** 32
    this.#cancelProbe = this.#ports.clock.after(retryDelayMs(++this.#probes, random), () => void this.#probe())
  }

  async #probe(): Promise<void> {
    const { signal } = this.#abort
    const exchange = await probeBot(this.#ports, this.#bot, toBase32(this.#ports.random(5)), signal)
    if (signal.aborted) return
    if (exchange.type === 'answered') {
      this.#up()
      return
    }
    this.#failedFor(exchange.reason)
    if (this.#state !== 'new') {
      this.#probeLater()
      return
    }
    this.#ports.events.warn('bot.down', { bot: this.#bot.name, reason: exchange.reason })
    this.#down(exchange.reason)
  }
}
