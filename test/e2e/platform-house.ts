import type { TestContext } from 'node:test'
import WebSocket from 'ws'
import { type AgentClient, createAgent, type RecordEvent, type WebSocketConstructor } from '../../src/client/index.js'
import type { AnswerOf, UnaryOperation } from '../../src/daemon/control/operations.js'
import type { Clock } from '../../src/emulator/core/clock.js'
import type { PlatformEmulator } from '../../src/emulator/core/platform-emulator.js'
import { EMULATORS } from '../../src/emulator/emulators.js'
import { Canaries } from '../helpers/canaries.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { createPausableClock } from '../helpers/pausable-clock.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { PLATFORM_ROWS, type PlatformRow } from './platform-rows.js'
import { PlatformSide } from './platform-side.js'

/** A daemon in a process of its own with a channel of every kind, the emulators of their platforms in this process, and an agent at work. */
export class PlatformHouse {
  home = ''
  /** Where the daemon listens. */
  port = 0
  readonly canaries = new Canaries()
  readonly sides: PlatformSide[] = []
  agent!: AgentClient
  /** The platforms'. */
  readonly #clock = createPausableClock()
  #daemon: DaemonProcess | undefined
  readonly #records = new Map<string, RecordEvent[]>()
  #socket = ''

  /** Everything is connected as `kefu emulate all --connect` does it. */
  static async open(
    t: TestContext,
    make: (row: PlatformRow, clock: Clock) => PlatformEmulator = ({ kind }, clock) => EMULATORS[kind]({}, { clock }),
  ): Promise<PlatformHouse> {
    const house = new PlatformHouse()
    t.after(() => house.#daemon?.kill())
    house.home = tmpDir(t)
    await house.#start()
    for (const row of PLATFORM_ROWS) house.sides.push(await PlatformSide.open(t, house, row, make(row, house.#clock)))
    await house.#hireAgent(t)
    return house
  }

  get daemon(): DaemonProcess {
    return this.#daemon!
  }

  /** Does the same on every side at once; an error says on which. */
  async each(act: (side: PlatformSide) => Promise<unknown>): Promise<void> {
    await Promise.all(
      this.sides.map(side =>
        act(side).catch((error: unknown) => {
          throw new Error(`${side.row.kind}: ${error}`, { cause: error })
        }),
      ),
    )
  }

  /** A subtest for every side, all at once; the rest of the test goes on when they have ended. */
  async tests(t: TestContext, act: (side: PlatformSide) => Promise<void>): Promise<void> {
    await Promise.all(this.sides.map(side => t.test(side.row.kind, { timeout: 90_000 }, () => act(side))))
  }

  /** Looks for a secret wherever it must not be. */
  watch(secret: string): void {
    this.canaries.watch(secret.replace(/^whsec_/, '').replace(/=+$/, ''))
  }

  /**
   * The daemon dies between two instructions, with something under way, and another one takes its place: in no time, for platforms, which give up after three
   * attempts.
   */
  async killAndStart(begin = async (): Promise<void> => {}): Promise<void> {
    const goOn = this.#clock.pause()
    await begin()
    await this.daemon.kill()
    for (const { gate } of this.sides) {
      gate.cut()
      gate.isHolding = false
    }
    await this.#start()
    goOn()
  }

  /** Ends the daemon in order; where secrets were found that must be nowhere: the files of the home, what operations answered, what the agent was told. */
  async stop(): Promise<readonly string[]> {
    await this.daemon.stop()
    this.canaries.lookThrough(this.home)
    this.canaries.look('what the agent was told', JSON.stringify([...this.#records.values()]))
    return this.canaries.found
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

  /** What the agent was told of a contact's conversation. */
  records(channel: number, contact: string): readonly RecordEvent[] {
    return this.#records.get(`${channel}/${contact}`) ?? []
  }

  async #start(): Promise<void> {
    const config = `${LOAD_TEST_CONFIG}log:\n  level: debug\n`
    this.#daemon = await DaemonProcess.start({ home: this.home, config })
    const { address } = await this.control('daemon.status')
    this.port = Number(new URL(address.http!).port)
    for (const { gate } of this.sides) gate.port = this.port
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
      const key = `${event.channel}/${event.contact ?? ''}`
      this.#records.set(key, [...(this.#records.get(key) ?? []), event])
    })
    await this.agent.ready()
  }
}
