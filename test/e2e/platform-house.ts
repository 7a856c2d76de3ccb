import type { TestContext } from 'node:test'
import WebSocket from 'ws'
import { type AgentClient, createAgent, type RecordEvent, type WebSocketConstructor } from '../../src/client/index.js'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { AnswerOf, UnaryOperation } from '../../src/daemon/control/operations.js'
import type { ApiAnswer, ApiRequest } from '../../src/emulator/core/api.js'
import type { FaultInput } from '../../src/emulator/core/faults.js'
import type { PlatformEmulator } from '../../src/emulator/core/platform-emulator.js'
import { parseSaid, type SaidInput } from '../../src/emulator/core/said.js'
import { channelSettings, serveEmulator } from '../../src/emulator/core/server.js'
import { EMULATORS } from '../../src/emulator/emulators.js'
import { Canaries } from '../helpers/canaries.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { createPausableClock } from '../helpers/pausable-clock.js'
import { TcpGate } from '../helpers/tcp-gate.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'
import type { PlatformRow } from './platform-rows.js'

/** The name of the one channel. */
export const CHANNEL = 'shop'

type Lane = AnswerOf<'channel.lane'>['lane']
type OutboxRow = AnswerOf<'outbox.list'>['messages'][number]

/** A daemon in a process of its own with one channel, the emulator of its platform in this process, and an agent at work. */
export class PlatformHouse {
  readonly row: PlatformRow
  readonly home: string
  readonly emulator: PlatformEmulator
  /** What the emulator's pushes go through. */
  readonly gate: TcpGate
  readonly canaries = new Canaries()
  /** Paths that were asked of the emulator. */
  readonly calls: string[] = []
  /** Headers that the emulator adds to its answers. */
  answerHeaders: Readonly<Record<string, string>> = {}
  daemon!: DaemonProcess
  agent!: AgentClient
  /** The platform's. */
  readonly #clock = createPausableClock()
  readonly #records = new Map<string, RecordEvent[]>()
  #socket = ''

  private constructor(row: PlatformRow, home: string, gate: TcpGate, own?: PlatformEmulator) {
    const emulator = own ?? EMULATORS[row.kind]({}, { clock: this.#clock })
    this.row = row
    this.home = home
    this.gate = gate
    const handle = async (request: ApiRequest): Promise<ApiAnswer | undefined> => {
      this.calls.push(request.path)
      const answer = await emulator.handle(request)
      return answer && { ...answer, headers: { ...answer.headers, ...this.answerHeaders } }
    }
    this.emulator = { ...emulator, handle }
    for (const secret of Object.values(emulator.account.credentials)) this.watch(secret)
  }

  /** Everything is connected as `kefu emulate --connect` does it. */
  static async open(t: TestContext, row: PlatformRow, emulator?: PlatformEmulator): Promise<PlatformHouse> {
    const house = new PlatformHouse(row, tmpDir(t), await TcpGate.open(t), emulator)
    const served = await serveEmulator(house.emulator)
    t.after(() => served.close())
    t.after(() => house.daemon.kill())
    await house.#start()
    const settings = channelSettings(served)
    const { platform } = await house.control('channel.add', { kind: row.kind, name: CHANNEL, origins: [], settings })
    for (const [name, value] of Object.entries(house.emulator.account.credentials))
      await house.control('credential.set', { owner: `channel/${CHANNEL}`, name, value })
    house.emulator.core.pusher.setTarget(house.gate.origin + platform!.callbackPath)
    await house.#hireAgent(t)
    return house
  }

  /** Looks for a secret wherever it must not be. */
  watch(secret: string): void {
    this.canaries.watch(secret.replace(/^whsec_/, '').replace(/=+$/, ''))
  }

  /** The daemon dies between two instructions, and another one takes its place: in no time, for the platform, which gives up after three attempts. */
  async killAndStart(): Promise<void> {
    await this.daemon.kill()
    const goOn = this.#clock.pause()
    this.gate.cut()
    this.gate.isHolding = false
    await this.#start()
    goOn()
  }

  /** Asks an operation of the control socket. */
  async control<Name extends UnaryOperation>(operation: Name, body: object = {}): Promise<AnswerOf<Name>> {
    try {
      const answer = await this.daemon.control<AnswerOf<Name>>(operation, body)
      this.canaries.look(`answer of ${operation}`, JSON.stringify(answer))
      return answer
    } catch (error) {
      this.canaries.look(`error of ${operation}`, String(error))
      throw error
    }
  }

  async lane(change?: object): Promise<Lane> {
    return (await this.control('channel.lane', { name: CHANNEL, ...(change && { change }) })).lane
  }

  async outbox(): Promise<readonly OutboxRow[]> {
    return (await this.control('outbox.list')).messages
  }

  fault(fault: FaultInput): void {
    this.emulator.core.faults.add(fault)
  }

  /** A user says something; resolves when the platform has been told that it was taken. */
  async say(user: string, said: SaidInput | string): Promise<void> {
    const { state, attempts } = await this.emulator.say(
      user,
      parseSaid(typeof said === 'string' ? { type: 'text', text: said } : said),
    )
    if (state !== 'delivered') throw new Error(`${state}: ${JSON.stringify(attempts)}`)
  }

  /** The agent's answer; resolves when it is on the daemon's disk. */
  async answer(user: string, content: Parameters<AgentClient['send']>[1]): Promise<number> {
    return (await this.agent.send(this.conversation(user), content)).n
  }

  conversation(user: string): ConversationId {
    const [first] = this.records(user)
    if (first === undefined) throw new Error(`the agent knows nobody called ${user}`)
    return first.conversation
  }

  /** What the agent was told of a user's conversation. */
  records(user: string): readonly RecordEvent[] {
    return this.#records.get(user) ?? []
  }

  /** The messages among them, as who and what. */
  talk(user: string): readonly string[] {
    return this.records(user).flatMap(({ record: { type, by, parts = [] } }) =>
      type === 'message'
        ? [`${by?.role} ${parts.map(part => (part.type === 'text' ? part.text : part.type)).join()}`]
        : [],
    )
  }

  /** What became of messages where that is not what one expects, as number and state. */
  fates(user: string): readonly string[] {
    return this.records(user).flatMap(({ record }) =>
      record.type === 'delivery' ? [`${record.message} ${record.state}`] : [],
    )
  }

  /** What the user got. */
  sent(user: string): readonly string[] {
    return this.emulator.core.sent.list({ user }).map(({ text }) => text)
  }

  /** Resolves when the agent has seen so much of it. */
  async knows(user: string, texts: readonly string[]): Promise<void> {
    await until(`the agent sees ${texts.length} messages of ${user}`, () => this.talk(user).length >= texts.length)
  }

  /** Resolves when the user has got so much. */
  async got(user: string, count: number): Promise<void> {
    await until(`${user} gets ${count} messages`, () => this.sent(user).length >= count).catch(async error => {
      const [rows, lane] = [await this.outbox(), await this.lane()]
      throw new Error(`${error}: ${JSON.stringify([this.sent(user), rows, lane])}`)
    })
  }

  /** Where secrets were found that must be nowhere: the files of the home, what operations answered, what the agent was told. */
  leaks(): readonly string[] {
    this.canaries.lookThrough(this.home)
    this.canaries.look('what the agent was told', JSON.stringify([...this.#records.values()]))
    return this.canaries.found
  }

  async #start(): Promise<void> {
    const config = `${LOAD_TEST_CONFIG}log:\n  level: debug\n`
    this.daemon = await DaemonProcess.start({ home: this.home, config })
    const { address } = await this.control('daemon.status')
    this.gate.port = Number(new URL(address.http!).port)
    this.#socket = address.socket!
  }

  async #hireAgent(t: TestContext): Promise<void> {
    const { token } = await this.control('agent.add', { name: 'mei' })
    const url = (): string => this.#socket
    class Redirected extends WebSocket {
      constructor(_: string, protocols: string | string[]) {
        super(url(), protocols, { perMessageDeflate: false })
      }
    }
    this.agent = createAgent({
      ...{ url: url(), token: token!, random: () => 0.01 },
      webSocket: Redirected as unknown as WebSocketConstructor,
    })
    t.after(() => this.agent.close())
    this.agent.on('record', event => {
      const { contact = '' } = event
      this.#records.set(contact, [...(this.#records.get(contact) ?? []), event])
    })
    await this.agent.ready()
  }
}
