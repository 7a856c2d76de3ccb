import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import WebSocket from 'ws'
import {
  type AgentClient,
  createAgent,
  createVisitor,
  type MessageRecordEvent,
  type WebSocketConstructor,
} from '../../src/client/index.js'
import { loadUws } from '../../src/daemon/transport/uws-native.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { Random } from '../helpers/random.js'
import { tmpDir } from '../helpers/tmp-dir.js'

const VISITORS = 50
const AGENTS = 5
const MESSAGES_EACH = 100
const TIMEOUT_MS = 60_000

type Line = { readonly n: number; readonly by: string; readonly text: string }

/** What one side of a conversation was told, checked as it comes: every number once, in order, none left out. */
class Transcript {
  readonly lines: Line[] = []
  readonly faults: string[] = []
  #last = 0

  record(n: number): void {
    if (n !== this.#last + 1) this.faults.push(`n ${n} after ${this.#last}`)
    this.#last = n
  }

  message({ n, record }: MessageRecordEvent): void {
    const [part] = record.parts
    this.lines.push({ n, by: record.by.role, text: part?.type === 'text' ? part.text : '' })
  }
}

/** Sockets that can be cut at random, as a bad network does. */
function unreliable(random: Random): { readonly webSocket: WebSocketConstructor; cutOne(): void } {
  const open = new Set<WebSocket>()
  class Unreliable extends WebSocket {
    constructor(url: string, protocols: string | string[]) {
      super(url, protocols, { perMessageDeflate: false })
      this.on('open', () => open.add(this))
      this.on('close', () => open.delete(this))
    }
  }
  return {
    webSocket: Unreliable as unknown as WebSocketConstructor,
    cutOne() {
      if (open.size > 0) random.pick([...open]).terminate()
    },
  }
}

async function conversationsSurviveDisconnects(t: TestContext, transport: string): Promise<void> {
  const random = new Random(Number(process.env.KEFU_TEST_SEED ?? 42))
  const home = join(tmpDir(t), 'home')
  const daemon = await DaemonProcess.start({ home, config: `transport: ${transport}\n${LOAD_TEST_CONFIG}` })
  t.after(() => daemon.kill())
  assert.equal((await daemon.control<{ transport: string }>('daemon.status')).transport, transport)
  const url = await daemon.socketUrl()
  await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
  const network = unreliable(random)
  const common = { url, webSocket: network.webSocket, random: () => random.next() * 0.05 }

  const agentSide = new Map<string, Transcript>()
  const agents: AgentClient[] = []
  for (let i = 0; i < AGENTS; i++) {
    const { token } = await daemon.control<{ token: string }>('agent.add', { name: `agent-${i}` })
    const agent = createAgent({
      ...common,
      token,
      backlog: Number.POSITIVE_INFINITY,
      subprotocol: i % 2 === 0 ? 'binary' : 'json',
    })
    const transcriptOf = (conversation: string): Transcript => {
      const known = agentSide.get(conversation) ?? new Transcript()
      agentSide.set(conversation, known)
      return known
    }
    agent.on('record', event => transcriptOf(event.conversation).record(event.n))
    agent.on('message', event => {
      const transcript = transcriptOf(event.conversation)
      transcript.message(event)
      if (event.record.by.role !== 'contact') return
      const text = transcript.lines.at(-1)?.text ?? ''
      agent.send(event.conversation, `答 ${text}`).catch((error: unknown) => transcript.faults.push(String(error)))
    })
    agents.push(agent)
  }
  await Promise.all(agents.map(agent => agent.ready()))

  const visitors = Array.from({ length: VISITORS }, (_, i) => {
    let token: string | undefined
    const tokens = {
      load: () => token,
      save(fresh: string) {
        token = fresh
      },
    }
    const visitor = createVisitor({ ...common, channel: 'site', tokens, subprotocol: i % 2 === 0 ? 'binary' : 'json' })
    const transcript = new Transcript()
    visitor.on('record', event => transcript.record(event.n))
    visitor.on('message', event => transcript.message(event))
    return { visitor, transcript }
  })
  t.after(() => Promise.all([...agents, ...visitors.map(({ visitor }) => visitor)].map(client => client.close())))

  let cuts = 0
  const cutting = setInterval(() => {
    network.cutOne()
    cuts++
  }, 20)
  try {
    await Promise.all(
      visitors.map(async ({ visitor }, i) => {
        for (let m = 0; m < MESSAGES_EACH; m++) {
          await delay(random.integer(0, 20))
          await visitor.send(`${i}-${m} 你好`)
        }
      }),
    )
    const deadline = performance.now() + TIMEOUT_MS
    const isComplete = ({ transcript }: { readonly transcript: Transcript }): boolean =>
      transcript.lines.length >= 2 * MESSAGES_EACH
    while (!(visitors.every(isComplete) && [...agentSide.values()].every(transcript => isComplete({ transcript })))) {
      assert.ok(
        performance.now() < deadline,
        `incomplete: ${visitors.filter(entry => !isComplete(entry)).length} visitors`,
      )
      await delay(20)
    }
  } finally {
    clearInterval(cutting)
  }

  t.diagnostic(`${transport}: ${cuts} connections cut`)
  assert.ok(cuts >= 20, `only ${cuts} connections were cut`)
  for (const [i, { visitor, transcript }] of visitors.entries()) {
    const other = agentSide.get(visitor.conversation ?? '')
    assert.deepEqual(transcript.faults, [])
    assert.deepEqual(other?.faults, [])
    assert.deepEqual(other?.lines, transcript.lines, 'both sides were told the same')
    const own = transcript.lines.filter(line => line.by === 'contact').map(line => line.text)
    assert.deepEqual(
      own,
      Array.from({ length: MESSAGES_EACH }, (_, m) => `${i}-${m} 你好`),
    )
    const answers = transcript.lines.filter(line => line.by === 'agent').map(line => line.text)
    assert.deepEqual(
      answers,
      own.map(text => `答 ${text}`),
    )
  }
}

const uws = loadUws()

test(
  '50 visitors and 5 agents see 10,000 messages once and in order over uWebSockets.js, with random disconnects',
  {
    skip: uws.isAvailable ? false : 'uWebSockets.js has no binary for this Node',
  },
  t => conversationsSurviveDisconnects(t, 'uWebSockets.js'),
)

test('50 visitors and 5 agents see 10,000 messages once and in order over ws, with random disconnects', t =>
  conversationsSurviveDisconnects(t, 'ws'))
