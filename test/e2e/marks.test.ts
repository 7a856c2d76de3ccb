import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import WebSocket from 'ws'
import {
  type AgentClient,
  type ClientOptions,
  createAgent,
  createVisitor,
  type Visitor,
  type WebSocketConstructor,
} from '../../src/client/index.js'
import { eventually } from '../client/fake-server.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { tmpDir } from '../helpers/tmp-dir.js'

/** Two devices of an agent and two tabs of a visitor, over real sockets and a daemon that is killed. */
test('marks and unread counts are the same on all devices, and survive a restart and kill -9', {
  timeout: 60_000,
}, async t => {
  const home = join(tmpDir(t), 'home')
  let url = ''
  async function start(): Promise<DaemonProcess> {
    const started = await DaemonProcess.start({ home, config: 'http:\n  port: 0\n' })
    url = await started.socketUrl()
    return started
  }
  let daemon = await start()
  t.after(() => daemon.kill())
  /** Each daemon has another port. */
  class Redirected extends WebSocket {
    constructor(_: string, protocols: string | string[]) {
      super(url, protocols, { perMessageDeflate: false })
    }
  }
  await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
  const { token } = await daemon.control<{ token: string }>('agent.add', { name: '小王' })
  const options: ClientOptions = {
    url,
    webSocket: Redirected as unknown as WebSocketConstructor,
    random: () => 0.05,
    receiptIntervalMs: 20,
  }
  let kept: string | undefined
  const tokens = {
    load: () => kept,
    save(fresh: string) {
      kept = fresh
    },
  }
  const clients: (AgentClient | Visitor)[] = []
  t.after(() => Promise.all(clients.map(client => client.close())))
  const device = (): AgentClient => createAgent({ ...options, token })
  const [desk, phone] = [device(), device()]
  clients.push(desk, phone)
  await Promise.all([desk.ready(), phone.ready()])
  const visitor = createVisitor({ ...options, channel: 'site', tokens })
  clients.push(visitor)
  await visitor.send('one')
  const tab = createVisitor({ ...options, channel: 'site', tokens, subprotocol: 'json' })
  clients.push(tab)
  await tab.send('two')
  const conversation = visitor.conversation!
  assert.equal(tab.conversation, conversation)
  const of = (agent: AgentClient) => agent.conversations()[0]
  const both = (isSo: (agent: AgentClient) => boolean) => isSo(desk) && isSo(phone)

  await eventually(() => both(agent => of(agent)?.unread === 2), 'two unread on both devices')
  const { n } = await phone.send(conversation, 'an answer')
  await eventually(() => both(agent => of(agent)?.unread === 0), 'none unread')
  await eventually(() => both(agent => of(agent)?.marks.delivered === n), 'the delivery')
  tab.read(n)
  await eventually(() => both(agent => of(agent)?.marks.read === n), 'the reading')
  const last = await visitor.send('three')
  await eventually(() => both(agent => of(agent)?.unread === 1), 'one unread')
  desk.read(conversation, last.n)
  await eventually(() => of(phone)?.unread === 0, 'read on the other device')
  await eventually(() => visitor.marks.read === last.n && tab.marks.read === last.n, 'the reading on both tabs')
  const unseen = await visitor.send('four')
  await eventually(() => both(agent => of(agent)?.unread === 1), 'one unread again')
  await eventually(() => visitor.marks.delivered === unseen.n, 'the delivery to the agent')

  const visitAgain = async (): Promise<Visitor> => {
    const again = createVisitor({ ...options, channel: 'site', tokens })
    clients.push(again)
    await again.ready()
    return again
  }
  assert.equal(await daemon.stop(), 0)
  daemon = await start()
  assert.deepEqual((await visitAgain()).marks, { delivered: unseen.n, read: last.n }, 'a server that stops loses none')
  const fresh = device()
  clients.push(fresh)
  await eventually(() => of(fresh)?.unread === 1 && of(fresh)?.marks.read === n, 'both on a device that knew nothing')
  await eventually(() => both(agent => agent.state === 'ready'), 'the devices')
  assert.ok(both(agent => of(agent)?.unread === 1))

  desk.read(conversation, unseen.n)
  await eventually(() => tab.marks.read === unseen.n && of(phone)?.unread === 0, 'the reading')
  await daemon.kill()
  daemon = await start()
  const { marks } = await visitAgain()
  assert.ok(marks.read === last.n || marks.read === unseen.n, `of the last second a mark may be lost: ${marks.read}`)
  await eventually(() => both(agent => agent.state === 'ready'), 'the devices')
  assert.equal(tab.marks.read, unseen.n, 'what a client was told stays')
  const answer = await fresh.send(conversation, 'another answer')
  const all = (): boolean => both(agent => of(agent)?.unread === 0) && of(fresh)?.unread === 0
  await eventually(all, 'none unread')
  await eventually(() => visitor.known === answer.n, 'the answer')
  visitor.read(answer.n)
  await eventually(() => both(agent => of(agent)?.marks.read === answer.n), 'marks go on')
})
