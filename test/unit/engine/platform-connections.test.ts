import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createChannels } from '../../../src/daemon/engine/registry/channels.js'
import { createTokens } from '../../../src/daemon/engine/session/tokens.js'
import { createPlatforms, type PlatformSources, tableOf } from '../../../src/daemon/platforms.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { newWebhookSecret } from '../../../src/platform/standard-webhook.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { answerText, platformHost } from '../../helpers/platform-host.js'
import { until } from '../../helpers/until.js'

const CONVERSATIONS = 40

test('a channel whose platform hangs does not delay another one with the same host', async t => {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  const random = (length: number) => randomBytes(length)
  let answered = 0
  let hanging = 0
  const host = await platformHost(t, socket => {
    socket.on('data', data => {
      if (!data.toString('latin1').startsWith('POST /quick')) hanging++
      else {
        answered++
        socket.write(answerText('{}'))
      }
    })
  })
  const secret = { value: newWebhookSecret(random) }
  const secrets = new Map([
    ['inbound-secret', secret],
    ['outbound-secret', secret],
  ])
  const { directory } = store
  const channels = await createChannels({ directory, clock, random, table: tableOf })
  const tokens = createTokens({ secret: random(32), clock, random })
  const closers: Parameters<typeof createPlatforms>[1] = []
  const sources = {
    ...{ store, clock, random, tokens, channels, media: {} },
    vault: { secrets: () => secrets, onChange: () => () => undefined },
    delivered: () => undefined,
    report: () => undefined,
  } as unknown as PlatformSources
  const platforms = createPlatforms(sources, closers)
  await platforms.start()
  t.after(async () => {
    for (const { close } of closers.reverse()) {
      const closing = close()
      clock.advance(5_000)
      await closing
    }
  })
  const answer = async (channel: number, contact: string): Promise<void> => {
    const opening = { type: 'opened', channel, kind: 'webhook', egress: 'outbox', contact } as const
    const by = { role: 'agent', id: 'a_1' } as const
    const parts = [{ type: 'text', text: 'hi' }] as const
    await store.log.append(tokens.conversationId(channel, contact), [{ type: 'message', by, parts }], { opening })
  }
  for (const name of ['slow', 'quick']) {
    await channels.add({ kind: 'webhook', name, settings: { endpoint: `${host.url}${name}` } })
    await channels.set(name, { lane: { outConcurrency: CONVERSATIONS } })
  }
  for (let at = 0; at < CONVERSATIONS; at++) await answer(1, `u${at}`)
  await until('all that the lane may have are under way', () => hanging === CONVERSATIONS, 5_000)
  await answer(2, 'u1')
  await until('the other channel has sent', () => answered === 1, 5_000)
})
