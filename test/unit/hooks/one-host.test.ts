import { test } from 'node:test'
import { formatConversationId } from '../../../src/codec/conversation-id.js'
import type { Agent } from '../../../src/daemon/core/model.js'
import { createHooks } from '../../../src/daemon/engine/registry/hooks.js'
import { type OutgoingSources, openOutgoing } from '../../../src/daemon/outgoing.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { newWebhookSecret } from '../../../src/platform/standard-webhook.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { answerText, platformHost } from '../../helpers/platform-host.js'
import { until } from '../../helpers/until.js'

const CONVERSATIONS = 20

test('hooks whose endpoints hang do not delay one whose endpoint is on the same host', async t => {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  let answered = 0
  let hanging = 0
  const host = await platformHost(t, socket => {
    socket.on('data', data => {
      if (!data.toString('latin1').startsWith('POST /quick')) hanging++
      else {
        answered++
        socket.write(answerText('', '200 OK'))
      }
    })
  })
  const random = (length: number): Uint8Array => Uint8Array.from({ length }, () => Math.floor(Math.random() * 256))
  const secrets = new Map([['secret', { value: newWebhookSecret(random) }]])
  const hooks = await createHooks({ directory: store.directory, log: store.log, clock, random })
  for (const name of ['slow', 'slower', 'quick'])
    await hooks.add(name, { url: `${host.url}${name}`, events: ['message'] }, async () => undefined)
  for (let at = 0; at < CONVERSATIONS; at++) {
    const opening = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: `v${at}` } as const
    const message = { type: 'message', by: { role: 'contact' }, parts: [{ type: 'text', text: 'hi' }] } as const
    await store.log.append(formatConversationId(new Uint8Array(16).fill(at)), [message], { opening })
  }
  const sources = {
    ...{ store, clock, hooks, engine: {}, channels: { byNumber: () => undefined } },
    vault: { secrets: () => secrets, list: () => [], unreadable: () => [], removeOwner: async () => undefined },
    agents: { list: (): Agent[] => [], byId: () => undefined, onChange: () => () => undefined },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  } as unknown as OutgoingSources
  const outgoing = await openOutgoing(sources)
  t.after(async () => {
    const closing = outgoing.close()
    clock.advance(5_000)
    await closing
  })
  await until('both that hang have all that they may under way', () => hanging === 32)
  await until('the other one has everything', () => answered === CONVERSATIONS, 5_000)
})
