import type { ConversationId } from '../../../codec/conversation-id.js'
import { isKefuError, KefuError, toKefuError } from '../../../errors.js'
import { type BoardAgent, type BoardTeam, type Instant, RoutingBoard } from '../../core/board.js'
import type { Details, Head } from '../../core/model.js'
import type { Appended, Clock, LogEntry, LogPort, ViewPort } from '../../core/ports.js'
import { type RecordBody, SYSTEM } from '../../core/records.js'
import type { Need, Presence } from '../../core/routing.js'
import { type ChannelRouting, lineKey, needOf, waitingOf } from '../../core/waiting-line.js'

/** What routing stands on. */
export type RouterPorts = {
  readonly log: LogPort
  readonly view: ViewPort
  readonly clock: Clock
  presence(agent: string): Presence
  /** Where a channel (by number) sends its conversations. */
  channel(number: number): ChannelRouting | undefined
  /** An agent has got a conversation, whether the agent is there or not. */
  assigned(agent: string, head: Head): void
  /** Where a conversation stands, or that an answer is due, has changed. */
  moved(head: Head): void
  /** An error that no caller waits for. */
  report(error: unknown): void
}

const PAGE = 256
const ATTEMPTS = 10
/** Pause after a decision that the store did not take. */
const RETRY_MS = 5_000

/** A record on its way to the log and back. */
type Flight = {
  /** Settles when it is written, or not. */
  readonly work: Promise<unknown>
  /** Its number; infinite until it is known to be written. */
  n: number
  /** Where the conversation came to stand meanwhile, as the log showed it. */
  latest: Head | undefined
}

/**
 * Gives waiting conversations to agents. Life of a decision:
 *
 * 1. the log shows a conversation that is nobody's, or an agent becomes free;
 * 2. the board matches the two, and the conversation counts as that agent's;
 * 3. the decision is appended, on the condition of the conversation's last `n`; until the log shows it, nothing else is decided on that conversation;
 * 4. one that the store did not take is undone on the board; what can be tried again is, after a while.
 */
export class Router {
  readonly #ports: RouterPorts
  readonly board: RoutingBoard
  /** Every conversation that is not closed, as the log has it. */
  readonly #open = new Map<ConversationId, Head>()
  /** Conversations of which nothing has been decided yet. */
  readonly #fresh = new Set<ConversationId>()
  /** Records of this router that the log has not shown yet: never two of a conversation. None of these conversations is in line. */
  readonly #flights = new Map<ConversationId, Flight>()
  /** Agents whose conversations go back into the line. */
  readonly #gone = new Set<string>()
  readonly #emptying = new Set<string>()
  #cancelRetry: (() => void) | undefined
  #isFailing = false
  #isClosed = false

  constructor(ports: RouterPorts, teams: ReadonlyMap<string | undefined, BoardTeam>) {
    this.#ports = ports
    this.board = new RoutingBoard(teams)
  }

  get waitingCount(): number {
    return this.board.waitingCount
  }

  get activeCount(): number {
    return this.board.takenCount
  }

  /** Reads what is open; then decides on those who wait. Returns the agents who have conversations. Agents must have been set before. */
  async start(): Promise<string[]> {
    const { view } = this.#ports
    const agents = [...(await view.activeCounts()).keys()]
    for (const agent of agents) for (const head of await this.#allActive(agent)) this.#place(head)
    let last: Head | undefined
    for (;;) {
      const after =
        last === undefined ? undefined : { sinceMs: last.waitingSince ?? 0, conversation: last.conversation }
      const page = await view.waiting(PAGE, after)
      for (const head of page) this.#place(head)
      last = page.at(-1)
      if (page.length < PAGE) break
    }
    this.#match()
    return agents
  }

  /** Follows the log: every committed record, in order. Nothing is decided on it before `decide`. */
  observe({ record, head }: LogEntry): void {
    const before = this.#open.get(head.conversation)
    if (record.body.type === 'message' && before !== undefined && isSamePlace(before, head)) {
      this.#open.set(head.conversation, head)
      if (before.unansweredSince !== head.unansweredSince) this.#ports.moved(head)
      return
    }
    if (record.body.type === 'assigned') this.#ports.assigned(record.body.agent, head)
    this.#place(head)
  }

  /** Decides on those who wait, as the log has been shown so far: after each batch of records, so that what came together is seen together. */
  decide(): void {
    this.#match()
  }

  setAgent(agent: BoardAgent): void {
    this.board.setAgent(agent)
    this.board.setPresence(agent.id, this.#ports.presence(agent.id), this.#instant())
    this.#match()
  }

  removeAgent(agent: string): void {
    this.board.removeAgent(agent)
  }

  /** Takes over other teams. Call also when channels have other default teams: those who wait for one go into its line. */
  setTeams(teams: ReadonlyMap<string | undefined, BoardTeam>): void {
    this.board.setTeams(teams)
    for (const head of this.#open.values()) if (isForDefaultTeam(head)) this.#place(head)
    this.#match()
  }

  /** Gives out what waits for teams that have opened since the last call. */
  hoursPassed(): void {
    if (this.board.stirOpened(this.#ports.clock.now())) this.#match()
  }

  presenceChanged(agent: string, presence: Presence): void {
    this.board.setPresence(agent, presence, this.#instant())
    if (presence === 'online') this.#match()
  }

  /** Puts an agent's conversations back into the line, at their old places; goes on until that is done or the agent is back. */
  requeue(agent: string): void {
    this.#gone.add(agent)
    void this.#empty(agent)
  }

  /**
   * Appends what somebody decided on a conversation as it stands; until it is in the log, nothing else is decided on it here, and who gets it has it
   * already. Throws what the log throws, `KEFU_STORE_CONFLICT` when the conversation has moved.
   */
  async carry(head: Head, bodies: readonly RecordBody[]): Promise<Appended> {
    const { conversation, kind } = head
    const before = this.#flights.get(conversation)
    if (before !== undefined && head.n < before.n) {
      // Whoever asks looks again behind it.
      await before.work.catch(() => undefined)
      throw new KefuError('KEFU_STORE_CONFLICT', { expected: head.n, actual: before.latest?.n ?? head.n })
    }
    this.board.dequeue(conversation)
    const assigned = bodies.findLast(body => body.type === 'assigned')
    if (assigned !== undefined) this.board.take(conversation, assigned.agent, kind, this.#instant())
    const appended = this.#ports.log.append(conversation, bodies, { expect: head.n })
    await this.#fly(
      conversation,
      appended.then(({ n }) => n),
    )
    return appended
  }

  /** What a conversation asks for. */
  need(head: Head): Need {
    return needOf(head, this.#ports.channel(head.channel))
  }

  /** A conversation that is not closed, as the log has it. */
  openHead(conversation: ConversationId): Head | undefined {
    return this.#open.get(conversation)
  }

  /** The heads of all conversations that are not closed. */
  openHeads(): IterableIterator<Head> {
    return this.#open.values()
  }

  /** Tries nothing again. */
  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
  }

  /** Brings the board to where a conversation stands. */
  #place(head: Head): void {
    const { conversation, state, agent, kind } = head
    const { board } = this
    if (state === 'closed') this.#open.delete(conversation)
    else this.#open.set(conversation, head)
    this.#ports.moved(head)
    const flight = this.#flights.get(conversation)
    if (flight !== undefined && head.n < flight.n) {
      // Whose it is is decided: that stands until the log shows it, or refuses it.
      flight.latest = head
      return
    }
    this.#flights.delete(conversation)
    if ((state === 'active' || state === 'bot') && agent !== undefined) {
      board.dequeue(conversation)
      board.take(conversation, agent, kind, this.#instant())
      return
    }
    board.release(conversation, this.#instant())
    const waiting = waitingOf(head, this.#ports.channel(head.channel))
    if (waiting === undefined) board.dequeue(conversation)
    else board.enqueue(waiting)
    if (state === 'new') this.#fresh.add(conversation)
  }

  #match(): void {
    const instant = this.#instant()
    for (let match = this.board.next(instant); match !== undefined; match = this.board.next(instant)) {
      const head = this.#open.get(match.waiting.conversation)!
      const { agent, reasons } = match
      const { id, name, isBot } = agent
      const bot = isBot ? { bot: true as const } : {}
      void this.#settle(head, { type: 'assigned', by: SYSTEM, agent: id, name, reasons, ...bot })
    }
    for (const conversation of this.#fresh) {
      const waiting = this.board.waiting(conversation)
      const head = this.#open.get(conversation)
      if (waiting === undefined || head === undefined || head.waitingSince === undefined) continue
      const { reasons } = this.board.decide(waiting, instant.nowMs)
      // Back in line when that is in the log.
      this.board.dequeue(conversation)
      void this.#settle(head, { type: 'queued', by: SYSTEM, since: head.waitingSince, reasons })
    }
    this.#fresh.clear()
  }

  /** Appends what was decided; whether that changed anything. Never rejects. */
  async #settle(head: Head, body: RecordBody): Promise<boolean> {
    try {
      return (await this.#fly(head.conversation, this.#append(head, body))) !== undefined
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  /** Nothing else is decided on a conversation until the log shows the record whose number `work` resolves to. Undefined, or a failure: there is none. */
  async #fly(conversation: ConversationId, work: Promise<number | undefined>): Promise<number | undefined> {
    const flight: Flight = { work, n: Number.POSITIVE_INFINITY, latest: undefined }
    this.#flights.set(conversation, flight)
    let n: number | undefined
    try {
      n = await work
      return n
    } finally {
      this.#land(conversation, flight, n)
    }
  }

  #land(conversation: ConversationId, flight: Flight, n: number | undefined): void {
    const { latest } = flight
    if (n !== undefined) flight.n = n
    // Written, but what the log has shown so far is older: it shows the rest, too.
    if (n !== undefined && (latest === undefined || latest.n < n)) return
    this.#flights.delete(conversation)
    // What came by meanwhile, or was there before a decision that was not taken, is how it stands.
    const present = this.#open.get(conversation) ?? latest
    if (present !== undefined) this.#place(present)
    // Without news it would be decided as before: that waits for news, or for the next attempt.
    if (latest !== undefined) this.#match()
  }

  /**
   * The number of the record; undefined when the conversation has changed hands, so that the decision does not hold any more. Messages that came meanwhile do not
   * matter.
   */
  async #append(head: Head, body: RecordBody): Promise<number | undefined> {
    const { log } = this.#ports
    let expect = head.n
    for (let attempt = 1; ; attempt++) {
      try {
        const { n } = await log.append(head.conversation, [body], { expect })
        this.#isFailing = false
        return n
      } catch (error) {
        const isMoved = isKefuError(error, 'KEFU_STORE_CONFLICT') && typeof error.detail.actual === 'number'
        if (!isMoved || attempt === ATTEMPTS) throw error
        // An earlier decision may have been written after all, though the store did not know it at the time.
        const present = await log.head(head.conversation)
        if (present === null || !this.#isSameDecision(present, head)) return undefined
        expect = error.detail.actual as number
      }
    }
  }

  async #empty(agent: string): Promise<void> {
    if (this.#emptying.has(agent)) return
    this.#emptying.add(agent)
    try {
      if (await this.#takeAll(agent)) this.#gone.delete(agent)
      else this.#retryLater()
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#emptying.delete(agent)
    }
  }

  /** Whether the agent has no conversation any more, or is back and keeps them. Snoozed ones ask for nobody until they wake. */
  async #takeAll(agent: string): Promise<boolean> {
    for (;;) {
      const heads = (await this.#allActive(agent)).filter(({ state }) => state !== 'snoozed')
      if (heads.length === 0 || this.#ports.presence(agent) !== 'offline') return true
      const free = heads.filter(head => !this.#flights.has(head.conversation))
      const taken = await Promise.all(
        free.map(head => {
          // Who has talked with a bot begins to wait for people now.
          const since = head.state === 'bot' ? this.#ports.clock.now() : head.details.lineSince
          return this.#settle(head, { type: 'queued', by: SYSTEM, since, reasons: ['agent-gone'], from: agent })
        }),
      )
      if (!taken.includes(true)) return false
    }
  }

  async #allActive(agent: string): Promise<Head[]> {
    return this.#ports.view.active(agent, Number.MAX_SAFE_INTEGER)
  }

  /** Reports the first of failures in a row; tries again where that may help. */
  #failed(error: unknown): void {
    if (!this.#isFailing) this.#ports.report(error)
    this.#isFailing = true
    if (toKefuError(error).retryable) this.#retryLater()
  }

  #retryLater(): void {
    if (this.#isClosed) return
    this.#cancelRetry ??= this.#ports.clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined
      for (const agent of this.#gone) void this.#empty(agent)
      this.board.stir()
      this.#match()
    })
  }

  /** Whether what a decision stood on is still so: it is the same wait or the same work, the same agents could take it, and the same one has it. */
  #isSameDecision(a: Head, b: Head): boolean {
    const isSameTurn = a.details.episode === b.details.episode && a.waitingSince === b.waitingSince
    return isSameTurn && a.state === b.state && a.agent === b.agent && lineKey(this.need(a)) === lineKey(this.need(b))
  }

  #instant(): Instant {
    const { clock } = this.#ports
    return { nowMs: clock.now(), monotonicMs: clock.monotonicMs() }
  }
}

/** Whether a record changed nothing that routing looks at. */
function isSamePlace(a: Head, b: Head): boolean {
  const isSame = a.state === b.state && a.agent === b.agent && a.waitingSince === b.waitingSince
  return isSame && (a.details === b.details || isSameBesidesWindow(a.details, b.details))
}

/** Every message of a contact may give a longer window, which is nothing to who gets the conversation. */
function isSameBesidesWindow(a: Details, b: Details): boolean {
  for (const name in a) if (name !== 'window' && a[name as keyof Details] !== b[name as keyof Details]) return false
  return true
}

function isForDefaultTeam({ waitingSince, details }: Head): boolean {
  return waitingSince !== undefined && details.team === undefined
}
