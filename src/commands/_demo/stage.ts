import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { AgentClient, Visitor } from '../../client/index.js'
import type { QueueRowView } from '../../daemon/control/client.js'
import { QUEUE_STATES } from '../../daemon/control/queue-vocabulary.js'
import type { ServedEmulator } from '../../emulator/core/server.js'
import type { EmulatedKind } from '../../emulator/emulators.js'
import { connectEmulator } from '../_emulate/connect.js'
import { EMULATED_KINDS } from '../_emulate/kinds.js'
import { playAgent } from './agents.js'
import { PlayedCustomer } from './customers.js'
import { type Line, platformLine, webLine } from './line.js'
import { seededRandom } from './random.js'
import type { ScratchDaemon } from './scratch.js'
import { CUSTOMERS, type Customer, SCRIPTED_AGENTS } from './script.js'

/** The web channel of the demo. */
export const WEB_CHANNEL = 'site'

/** What the demo plays on, and with. */
export type Stage = {
  readonly emulators: readonly ServedEmulator[]
  /** Lets customers and agents play. */
  play(): void
  /** Ends all of it; the daemon goes on. */
  close(): Promise<void>
}

/** What a stage needs: `failed` is called with what went wrong while it is played. */
export type StagePorts = {
  readonly daemon: ScratchDaemon
  readonly client: string
  readonly seed: number
  failed(error: unknown): void
}

/** The first customers wait for somebody to be there. */
const AGENTS_COME_AFTER_MS = 1_500
const LOOK_MS = 100
const LOOKS = 50

type Met = { readonly customer: Customer; readonly played: PlayedCustomer }

/** Makes the channels of a daemon, an emulator behind each one of a platform, and the agents; nobody says anything yet. */
export async function setStage({ daemon, client, seed, failed }: StagePorts): Promise<Stage> {
  const { control, url } = daemon
  const ended = new AbortController()
  // Each customer waits for one thing at a time.
  setMaxListeners(2 * CUSTOMERS.length, ended.signal)
  const emulators: ServedEmulator[] = []
  const visitors: Visitor[] = []
  const agents: AgentClient[] = []
  const quiet: (() => void)[] = []
  const players: Promise<void>[] = []
  /** Customers of the script by their conversation. */
  const met = new Map<string, PlayedCustomer>()
  const { createAgent, createVisitor } = await import('../../client/index.js')
  const { fileOf } = await import('../../emulator/core/samples.js')
  const picture = new Uint8Array(fileOf({ type: 'image' }).bytes)

  async function close(): Promise<void> {
    ended.abort()
    for (const stop of quiet) stop()
    await Promise.all([...visitors, ...agents, ...emulators].map(one => one.close()))
    await Promise.all(players)
  }

  try {
    for (const kind of EMULATED_KINDS) emulators.push(await startEmulator(daemon, kind))
    await control.call('channel.add', { kind: 'web', name: WEB_CHANNEL, origins: [new URL(url).origin] })
    const tokens = await Promise.all(SCRIPTED_AGENTS.map(agent => addAgent(daemon, agent)))
    return { emulators, play: () => play(tokens), close }
  } catch (error) {
    await close()
    throw error
  }

  function play(tokens: readonly string[]): void {
    let turn = 0
    for (const [index, customer] of CUSTOMERS.entries()) {
      const emulator = customer.via === 'web' ? undefined : emulators[turn++ % emulators.length]
      run(emulator === undefined ? visit(customer, index) : write(emulator, customer, index))
    }
    run(comeOnline(tokens))
  }

  function run(part: Promise<void>): void {
    players.push(
      part.catch((error: unknown) => {
        if (!ended.signal.aborted) failed(error)
      }),
    )
  }

  function write(emulator: ServedEmulator, customer: Customer, index: number): Promise<void> {
    const played = playedBy(customer, platformLine(emulator, customer), index)
    return played.play(() => introduce({ customer, played }, emulator.emulator.kind), ended.signal)
  }

  async function visit(customer: Customer, index: number): Promise<void> {
    const { name, language } = customer
    const visitor = createVisitor({ ...{ url, client, name, language }, channel: WEB_CHANNEL })
    visitors.push(visitor)
    await visitor.ready(ended.signal)
    const played = playedBy(customer, webLine(visitor, picture), index)
    const { conversation } = visitor
    if (conversation !== undefined) met.set(conversation, played)
    await played.play(async () => {}, ended.signal)
  }

  function playedBy(customer: Customer, line: Line, index: number): PlayedCustomer {
    return new PlayedCustomer(customer, line, seededRandom(seed + index))
  }

  /** Tells the daemon who somebody is who is known to it by an id only, as a shop's own system would. */
  async function introduce({ customer, played }: Met, channel: string): Promise<void> {
    const { name, language, priority, user } = customer
    const row = await rowOf(channel, user)
    if (row === undefined) return
    met.set(row.conversation, played)
    const set = { name, language, ...(priority !== undefined && { priority }) }
    await control.call('queue.command', { conversation: row.conversation, command: { do: 'update', set } })
  }

  /** A customer's row; undefined when there is none in time. What a platform only signals is fetched a moment later. */
  async function rowOf(channel: string, user: string): Promise<QueueRowView | undefined> {
    const request = { states: [...QUEUE_STATES], channel, limit: 1_000 }
    for (let look = 0; look < LOOKS; look++) {
      const { conversations } = await control.call('queue.list', request)
      const row = conversations.find(({ contact }) => contact === user || contact.endsWith(`:${user}`))
      if (row !== undefined) return row
      await pause(LOOK_MS, undefined, { signal: ended.signal })
    }
    return undefined
  }

  async function comeOnline(tokens: readonly string[]): Promise<void> {
    try {
      await pause(AGENTS_COME_AFTER_MS, undefined, { signal: ended.signal })
    } catch {
      // Nobody has to come any more.
      return
    }
    for (const [index, token] of tokens.entries()) {
      const agent = createAgent({ url, token, client })
      agents.push(agent)
      const random = seededRandom(seed - 1 - index)
      const answerIn = (conversation: string) => {
        const customer = met.get(conversation)
        return customer === undefined ? 'other' : customer.answer
      }
      const report = (error: unknown): void => {
        if (!ended.signal.aborted) failed(error)
      }
      quiet.push(playAgent({ agent, answerIn, random, report }))
    }
  }
}

async function startEmulator({ control }: ScratchDaemon, kind: EmulatedKind): Promise<ServedEmulator> {
  const { EMULATORS } = await import('../../emulator/emulators.js')
  const { serveEmulator } = await import('../../emulator/core/server.js')
  const served = await serveEmulator(EMULATORS[kind]({}), 0)
  try {
    await connectEmulator(control, kind, served, kind)
    return served
  } catch (error) {
    await served.close()
    throw error
  }
}

async function addAgent({ control }: ScratchDaemon, agent: (typeof SCRIPTED_AGENTS)[number]): Promise<string> {
  const { name, languages, capacity } = agent
  const { token = '' } = await control.call('agent.add', { name })
  await control.call('agent.set', { name, languages: [...languages], capacity: { total: capacity } })
  return token
}
