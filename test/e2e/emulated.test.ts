import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import WebSocket from 'ws'
import { type AgentClient, createAgent, type WebSocketConstructor } from '../../src/client/index.js'
import { connectEmulator } from '../../src/commands/_emulate/connect.js'
import { EMULATED_KINDS } from '../../src/commands/_emulate/kinds.js'
import { type ControlClient, createControlClient } from '../../src/daemon/control/client.js'
import { EMULATORS, type EmulatedKind } from '../../src/emulator/emulators.js'
import { serve } from '../emulator/rig.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { readJson } from '../helpers/project.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'

/** How often the outbox is looked at. */
const LOOK_MS = 250
const USERS = ['li', 'wang', 'zhao', 'sun'] as const

/** A port that was free a moment ago: a platform keeps the address that it was given. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** An agent who answers every text, and what it got, by contact. */
async function answering(t: TestContext, url: string, token: string): Promise<Map<string, string[]>> {
  const agent: AgentClient = createAgent({
    url,
    token,
    webSocket: WebSocket as unknown as WebSocketConstructor,
    random: () => 0.01,
  })
  t.after(() => agent.close())
  const got = new Map<string, string[]>()
  agent.on('record', ({ conversation, contact = '', n, own, record }) => {
    const [part] = record.parts ?? []
    if (own || record.type !== 'message' || part?.type !== 'text') return
    got.set(contact, [...(got.get(contact) ?? []), part.text])
    void agent.send(conversation, `re ${part.text}`, { id: `re-${n}` })
  })
  await agent.ready()
  return got
}

/** What was being sent when the daemon died is shown and not sent again by itself: whoever sees the platform says which of it went out. */
async function judgeUnknown(control: ControlClient, heard: readonly string[]): Promise<void> {
  const { messages } = await control.call('outbox.list', { states: ['unknown'], limit: 100 })
  for (const { id, contact, text } of messages) {
    if (heard.includes(`${contact} ${text}`)) await control.call('outbox.drop', { messages: [id] })
    else await control.call('outbox.retry', { messages: [id], mayRepeat: true })
  }
}

describe('from an emulated platform to an agent and back, through kill -9', { concurrency: true }, () => {
  for (const kind of EMULATED_KINDS) test(kind, { timeout: 60_000 }, t => through(t, kind))
})

async function through(t: TestContext, kind: EmulatedKind): Promise<void> {
  const home = tmpDir(t)
  const port = await freePort()
  const start = (): Promise<DaemonProcess> =>
    DaemonProcess.start({ home, config: LOAD_TEST_CONFIG.replace('port: 0', `port: ${port}`) })
  let daemon = await start()
  t.after(() => daemon.kill())
  const { token } = await daemon.control<{ token: string }>('agent.add', { name: 'xiaowang' })
  const { emulator, ...served } = await serve(t, EMULATORS[kind]({}))
  const { core } = emulator
  const { version } = readJson<{ readonly version: string }>('package.json')
  const control = createControlClient({ socketPath: join(home, 'run', 'kefu.sock'), home, version, timeoutMs: 10_000 })
  const { problem } = await connectEmulator(control, kind, { emulator, ...served }, 'main')
  assert.equal(problem, undefined)
  const got = await answering(t, `http://127.0.0.1:${port}`, token)

  const heard = (): string[] => USERS.flatMap(user => core.sent.list({ user }).map(({ text }) => `${user} ${text}`))
  const answered = (...words: string[]): string[] =>
    USERS.flatMap(user => words.map(word => `${user} re ${word} ${user}`))
  const say = (word: string) => USERS.map(user => emulator.say(user, { type: 'text', text: `${word} ${user}` }))

  await Promise.all(say('one'))
  await until('the first answers', () => heard().length === USERS.length)

  // Copies are under way, some pushes have arrived and others have not, when the daemon dies.
  core.faults.add({ fault: 'duplicate', count: USERS.length })
  const underWay = say('two')
  await until('a push', () => core.pusher.list().some(({ n, attempts }) => n > USERS.length && attempts.length > 0))
  await daemon.kill()
  const offline = say('three')
  daemon = await start()
  const states = (await Promise.all([...underWay, ...offline])).map(({ state }) => state)
  assert.deepEqual(new Set(states), new Set(['delivered']))
  await until('all answers', async () => {
    if (heard().length >= 3 * USERS.length) return true
    await judgeUnknown(control, heard())
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    return false
  })

  // Every text once, every answer once, whatever came again.
  await until('the copies', () => core.pusher.waiting === 0)
  assert.deepEqual(
    [...got.values()].flat().sort(),
    USERS.flatMap(user => ['one', 'three', 'two'].map(word => `${word} ${user}`)).sort(),
  )
  assert.deepEqual(heard().sort(), answered('one', 'two', 'three').sort())
}
