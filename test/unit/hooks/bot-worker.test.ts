import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatConversationId } from '../../../src/codec/conversation-id.js'
import type { PlatformHttp } from '../../../src/daemon/core/channel-adapter.js'
import type { Agent } from '../../../src/daemon/core/model.js'
import type { RecordBody } from '../../../src/daemon/core/records.js'
import { Bots, type BotsPorts } from '../../../src/daemon/hooks/bots/bots.js'
import { type BotPorts, BotWorker } from '../../../src/daemon/hooks/bots/worker.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { newWebhookSecret } from '../../../src/platform/standard-webhook.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { until } from '../../helpers/until.js'

const CONVERSATION = formatConversationId(new Uint8Array(16).fill(1))
const random = (length: number): Uint8Array => new Uint8Array(length).fill(7)
const BOT = { id: 'a_1', name: 'b', endpoint: 'https://bot.example/' } as Agent

/** A bot with a conversation, of which `asked` hears what it is asked about. It says nothing. */
async function bench(asked: (messages: readonly number[]) => void) {
  const clock = createManualClock()
  const { log } = createMemoryStore({ clock })
  const opening = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: 'v1' } as const
  const by = { role: 'system' } as const
  await log.append(CONVERSATION, [{ type: 'assigned', by, agent: 'a_1', name: 'b', reasons: [], bot: true }], {
    opening,
  })
  const http: PlatformHttp = {
    async call({ body }) {
      const { messages } = JSON.parse(String(body)) as { messages: { n: number }[] }
      if (messages.length > 0) asked(messages.map(({ n }) => n))
      return { status: 200, header: () => undefined, bytes: new Uint8Array() }
    },
  }
  const ports = {
    ...{ log, clock, http, random, channelName: () => 'site' },
    vault: { secrets: () => new Map([['secret', { value: newWebhookSecret(random) }]]) },
    presence: { callable: () => undefined },
    events: { info: () => undefined, warn: () => undefined },
    report: (error: unknown) => assert.fail(String(error)),
  } as unknown as BotPorts
  const say = (text: string): Promise<unknown> => {
    const said: RecordBody = { type: 'message', by: { role: 'contact' }, parts: [{ type: 'text', text }] }
    return log.append(CONVERSATION, [said])
  }
  return { worker: new BotWorker(ports, BOT), say }
}

test('a bot is asked about what the contact wrote last, however long that and what came before is', async () => {
  const asked: (readonly number[])[] = []
  const { worker, say } = await bench(messages => asked.push(messages))
  for (let at = 0; at < 98; at++) await say('x'.repeat(12_000))
  worker.start()
  worker.due(CONVERSATION)
  await until('it is asked', () => asked.length > 0)
  assert.deepEqual(asked, [Array.from({ length: 20 }, (_, at) => 81 + at)])
  await worker.close()
})

test('a bot remembers nothing of a conversation that was given to somebody else while it was asked', async () => {
  const asked: (readonly number[])[] = []
  const { worker, say } = await bench(messages => {
    if (asked.push(messages) === 1) worker.left(CONVERSATION)
  })
  await say('hello')
  worker.start()
  worker.due(CONVERSATION)
  await until('it has answered', () => worker.status.silent === 1)
  // It comes back: what was written is still without an answer.
  worker.due(CONVERSATION)
  await until('it is asked again', () => asked.length === 2, 5_000)
  assert.deepEqual(asked, [[3], [3]])
  await until('it has answered again', () => worker.status.silent === 2)
  await worker.close()
})

test('credentials that a crash left of bots that are gone are removed, also those that cannot be read', async () => {
  const clock = createManualClock()
  const { log } = createMemoryStore({ clock })
  const removed: string[] = []
  const bots = await Bots.start({
    ...{ log, clock, random },
    vault: {
      list: () => [{ owner: 'agent/a_1' }, { owner: 'agent/a_2' }, { owner: 'channel/9' }],
      unreadable: () => [{ owner: 'agent/a_3' }],
      removeOwner: async (owner: string) => void removed.push(owner),
    },
    agents: { list: () => [], byId: (id: string) => (id === 'a_1' ? BOT : undefined), onChange: () => () => undefined },
    report: (error: unknown) => assert.fail(String(error)),
  } as unknown as BotsPorts)
  assert.deepEqual(removed, ['agent/a_2', 'agent/a_3'])
  await bots.close()
})
