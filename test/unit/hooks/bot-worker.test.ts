import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatConversationId } from '../../../src/codec/conversation-id.js'
import type { PlatformHttp } from '../../../src/daemon/core/channel-adapter.js'
import type { Agent } from '../../../src/daemon/core/model.js'
import type { RecordBody } from '../../../src/daemon/core/records.js'
import { type BotPorts, BotWorker } from '../../../src/daemon/hooks/bots/worker.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { newWebhookSecret } from '../../../src/platform/standard-webhook.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { until } from '../../helpers/until.js'

const CONVERSATION = formatConversationId(new Uint8Array(16).fill(1))
const random = (length: number): Uint8Array => new Uint8Array(length).fill(7)

test('a bot is asked about what the contact wrote last, however long that and what came before is', async () => {
  const clock = createManualClock()
  const { log } = createMemoryStore({ clock })
  const opening = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: 'v1' } as const
  const assigned = {
    type: 'assigned',
    by: { role: 'system' },
    agent: 'a_1',
    name: 'b',
    reasons: [],
    bot: true,
  } as const
  await log.append(CONVERSATION, [assigned], { opening })
  const said: RecordBody = {
    type: 'message',
    by: { role: 'contact' },
    parts: [{ type: 'text', text: 'x'.repeat(12_000) }],
  }
  for (let at = 0; at < 98; at++) await log.append(CONVERSATION, [said])
  const asked: number[][] = []
  const http: PlatformHttp = {
    async call({ body }) {
      const { messages } = JSON.parse(String(body)) as { messages: { n: number }[] }
      if (messages.length > 0) asked.push(messages.map(({ n }) => n))
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
  const worker = new BotWorker(ports, { id: 'a_1', name: 'b', endpoint: 'https://bot.example/' } as Agent)
  worker.start()
  worker.due(CONVERSATION)
  await until('it is asked', () => asked.length > 0)
  assert.deepEqual(asked, [Array.from({ length: 20 }, (_, at) => 81 + at)])
  await worker.close()
})
