import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import WebSocket from 'ws'
import { type AgentClient, createAgent, type WebSocketConstructor } from '../../src/client/index.js'
import { connectEmulator } from '../../src/commands/_emulate/connect.js'
import { EMULATED_KINDS, emulatedChannel } from '../../src/commands/_emulate/kinds.js'
import { type ControlClient, createControlClient } from '../../src/daemon/control/client.js'
import type { EmulatorCore, PlatformEmulator } from '../../src/emulator/core/platform-emulator.js'
import type { Delivery } from '../../src/emulator/core/pusher.js'
import { EMULATORS } from '../../src/emulator/emulators.js'
import { serve } from '../emulator/rig.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { freePort } from '../helpers/free-port.js'
import { createPausableClock } from '../helpers/pausable-clock.js'
import { readJson } from '../helpers/project.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'

/** How often the outbox is looked at. */
const LOOK_MS = 250
const USERS = ['li', 'wang', 'zhao', 'sun'] as const

/** An agent who answers every text, and what it got, by the channel's number. */
async function answering(t: TestContext, url: string, token: string): Promise<Map<number, string[]>> {
  const agent: AgentClient = createAgent({
    url,
    token,
    webSocket: WebSocket as unknown as WebSocketConstructor,
    random: () => 0.01,
  })
  t.after(() => agent.close())
  const got = new Map<number, string[]>()
  agent.on('record', ({ conversation, channel, n, own, record }) => {
    const [part] = record.parts ?? []
    if (own || record.type !== 'message' || part?.type !== 'text') return
    got.set(channel, [...(got.get(channel) ?? []), part.text])
    void agent.send(conversation, `re ${part.text}`, { id: `re-${n}` })
  })
  await agent.ready()
  return got
}

/** A platform that is connected to a channel. */
class Platform {
  readonly channel: string
  readonly #core: EmulatorCore
  readonly #say: PlatformEmulator['say']

  constructor(channel: string, { core, say }: PlatformEmulator) {
    this.channel = channel
    this.#core = core
    this.#say = say
  }

  /** Everybody says it. */
  say(word: string): readonly Promise<Delivery>[] {
    return USERS.map(user => this.#say(user, { type: 'text', text: `${word} ${user}` }))
  }

  /** What users got, each with who. */
  heard(): readonly string[] {
    return USERS.flatMap(user => this.#core.sent.list({ user }).map(({ text }) => `${user} ${text}`))
  }

  /** Copies come, and the daemon has not got everything: resolves when one push has arrived. */
  async doubled(word: string): Promise<readonly Promise<Delivery>[]> {
    const { faults, pusher } = this.#core
    faults.add({ fault: 'duplicate', count: USERS.length })
    const underWay = this.say(word)
    await until('a push', () => pusher.list().some(({ n, attempts }) => n > USERS.length && attempts.length > 0))
    return underWay
  }

  /** Whether an attempt of every push has ended. */
  get hasTried(): boolean {
    return this.#core.pusher.list().every(({ attempts }) => attempts.length > 0)
  }

  /** Pushes that are on their way. */
  get waiting(): number {
    return this.#core.pusher.waiting
  }
}

/** What was being sent when the daemon died is shown and not sent again by itself: whoever sees the platform says which of it went out. */
async function judgeUnknown(control: ControlClient, platform: Platform): Promise<void> {
  const { channel } = platform
  const { messages } = await control.call('outbox.list', { channel, states: ['unknown'], limit: 100 })
  for (const { id, contact, text } of messages) {
    const user = contact.slice(contact.indexOf(':') + 1)
    if (platform.heard().includes(`${user} ${text}`)) await control.call('outbox.drop', { messages: [id] })
    else await control.call('outbox.retry', { messages: [id], mayRepeat: true })
  }
}

test('from every emulated platform to an agent and back, through kill -9', { timeout: 120_000 }, async t => {
  const home = tmpDir(t)
  const port = await freePort()
  const start = (): Promise<DaemonProcess> =>
    DaemonProcess.start({ home, config: LOAD_TEST_CONFIG.replace('port: 0', `port: ${port}`) })
  let daemon = await start()
  t.after(() => daemon.kill())
  const { token } = await daemon.control<{ token: string }>('agent.add', { name: 'xiaowang' })
  const { version } = readJson<{ readonly version: string }>('package.json')
  const control = createControlClient({ socketPath: join(home, 'run', 'kefu.sock'), home, version, timeoutMs: 10_000 })
  const clock = createPausableClock()
  const platforms: Platform[] = []
  for (const kind of EMULATED_KINDS) {
    const served = await serve(t, EMULATORS[kind]({}, { clock }))
    const { problem } = await connectEmulator(control, kind, served, emulatedChannel(kind))
    assert.equal(problem, undefined)
    platforms.push(new Platform(emulatedChannel(kind), served.emulator))
  }
  const got = await answering(t, `http://127.0.0.1:${port}`, token)
  const all = (condition: (platform: Platform) => boolean): boolean => platforms.every(condition)

  await Promise.all(platforms.flatMap(platform => platform.say('one')))
  await until('the first answers', () => all(platform => platform.heard().length === USERS.length))

  // Copies are under way, some pushes have arrived and others have not, when the daemon dies.
  const underWay = (await Promise.all(platforms.map(platform => platform.doubled('two')))).flat()
  // Platforms give up after three attempts: for them the daemon is back in no time.
  const goOn = clock.pause()
  await daemon.kill()
  const offline = platforms.flatMap(platform => platform.say('three'))
  await until('attempts in vain', () => all(({ hasTried }) => hasTried))
  daemon = await start()
  goOn()
  const states = (await Promise.all([...underWay, ...offline])).map(({ state }) => state)
  assert.deepEqual(new Set(states), new Set(['delivered']))
  await until('all answers', async () => {
    if (all(platform => platform.heard().length >= 3 * USERS.length)) return true
    for (const platform of platforms) await judgeUnknown(control, platform)
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    return false
  })

  // Every text once, every answer once, whatever came again.
  await until('the copies', () => all(({ waiting }) => waiting === 0))
  const texts = USERS.flatMap(user => ['one', 'three', 'two'].map(word => `${word} ${user}`)).sort()
  assert.deepEqual(
    [...got.values()].map(each => each.sort()),
    platforms.map(() => texts),
  )
  const answers = USERS.flatMap(user => ['one', 'two', 'three'].map(word => `${user} re ${word} ${user}`)).sort()
  for (const platform of platforms) assert.deepEqual([...platform.heard()].sort(), answers, platform.channel)
})
