import type { TestContext } from 'node:test'
import type { AgentClient, RecordEvent } from '../../src/client/index.js'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { AnswerOf, UnaryOperation } from '../../src/daemon/control/operations.js'
import type { ApiAnswer, ApiRequest } from '../../src/emulator/core/api.js'
import type { FaultInput } from '../../src/emulator/core/faults.js'
import type { PlatformEmulator } from '../../src/emulator/core/platform-emulator.js'
import { parseSaid, type SaidInput } from '../../src/emulator/core/said.js'
import { channelSettings, serveEmulator } from '../../src/emulator/core/server.js'
import { TcpGate } from '../helpers/tcp-gate.js'
import { until } from '../helpers/until.js'
import type { PlatformHouse } from './platform-house.js'
import type { PlatformRow } from './platform-rows.js'

type Lane = AnswerOf<'channel.lane'>['lane']
type OutboxRow = AnswerOf<'outbox.list'>['messages'][number]

/** A channel of the house with the emulator of its platform. */
export class PlatformSide {
  readonly house: PlatformHouse
  readonly row: PlatformRow
  readonly emulator: PlatformEmulator
  /** What the emulator's pushes go through. */
  readonly gate: TcpGate
  /** Paths that were asked of the emulator. */
  readonly calls: string[] = []
  /** Headers that the emulator adds to its answers. */
  answerHeaders: Readonly<Record<string, string>> = {}
  #channel = 0

  private constructor(house: PlatformHouse, row: PlatformRow, gate: TcpGate, emulator: PlatformEmulator) {
    this.house = house
    this.row = row
    this.gate = gate
    const handle = async (request: ApiRequest): Promise<ApiAnswer | undefined> => {
      this.calls.push(request.path)
      const answer = await emulator.handle(request)
      return answer && { ...answer, headers: { ...answer.headers, ...this.answerHeaders } }
    }
    this.emulator = { ...emulator, handle }
    for (const secret of Object.values(emulator.account.credentials)) house.watch(secret)
  }

  /** Serves the emulator and connects it to a new channel. */
  static async open(
    t: TestContext,
    house: PlatformHouse,
    row: PlatformRow,
    emulator: PlatformEmulator,
  ): Promise<PlatformSide> {
    const side = new PlatformSide(house, row, await TcpGate.open(t), emulator)
    side.gate.port = house.port
    const served = await serveEmulator(side.emulator)
    t.after(() => served.close())
    const settings = channelSettings(served)
    const spec = { kind: row.kind, name: side.channel, origins: [], settings }
    const { channel, platform } = await house.control('channel.add', spec)
    side.#channel = channel.number
    for (const [name, value] of Object.entries(emulator.account.credentials))
      await house.control('credential.set', { owner: `channel/${side.channel}`, name, value })
    emulator.core.pusher.setTarget(side.gate.origin + platform!.callbackPath)
    return side
  }

  /** The name of the channel. */
  get channel(): string {
    return this.row.kind
  }

  get agent(): AgentClient {
    return this.house.agent
  }

  /** Asks an operation of the control socket. */
  control<Name extends UnaryOperation>(operation: Name, body: object = {}): Promise<AnswerOf<Name>> {
    return this.house.control(operation, body)
  }

  async lane(change?: object): Promise<Lane> {
    return (await this.control('channel.lane', { name: this.channel, ...(change && { change }) })).lane
  }

  async outbox(): Promise<readonly OutboxRow[]> {
    return (await this.control('outbox.list', { channel: this.channel })).messages
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

  /** The id of the contact that a user is. */
  contact(user: string): string {
    return this.row.contactOf(user, this.emulator.account.settings)
  }

  conversation(user: string): ConversationId {
    const [first] = this.records(user)
    if (first === undefined) throw new Error(`the agent knows nobody called ${user}`)
    return first.conversation
  }

  /** What the agent was told of a user's conversation. */
  records(user: string): readonly RecordEvent[] {
    return this.house.records(this.#channel, this.contact(user))
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
}
