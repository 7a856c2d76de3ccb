import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import type { HookView } from '../../src/daemon/control/client.js'
import { kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { House } from '../helpers/house.js'
import { openReceiver, type Received } from '../helpers/receiver.js'
import { until } from '../helpers/until.js'

type Added = { readonly hook: HookView; readonly secret: string }

function add(house: House, name: string, url: string, rest: object = {}): Promise<Added> {
  return house.daemon.control<Added>('hook.add', { name, url, ...rest })
}

async function hookOf(house: House, name: string): Promise<HookView> {
  return (await house.daemon.control<{ hook: HookView }>('hook.show', { name })).hook
}

/** Texts of messages by contact, in the order in which they came first; each again only under the same id. */
function textsByContact(received: readonly Received[]): Record<string, string[]> {
  const seen = new Map<string, string>()
  const texts: Record<string, string[]> = {}
  for (const { body, text } of received) {
    const before = seen.get(body.id)
    seen.set(body.id, text)
    if (before !== undefined) {
      assert.equal(text, before, 'the same id is the same delivery')
      continue
    }
    const said = body.record?.parts?.[0]?.text
    if (said !== undefined) texts[body.contact!] = [...(texts[body.contact!] ?? []), said]
  }
  return texts
}

describe('outgoing webhooks', () => {
  test('are told of everything once and in order through kill -9 and an endpoint that is down, each call signed', {
    timeout: 90_000,
  }, async t => {
    const house = await House.open(t)
    await house.app.send('before', 'nobody listens yet')
    const receiver = await openReceiver(t)
    const { secret } = await add(house, 'crm', receiver.url)
    const contacts = ['a', 'b', 'c', 'd', 'e']
    const expected = (count: number) =>
      Object.fromEntries(contacts.map(contact => [contact, Array.from({ length: count }, (_, i) => `${contact}${i}`)]))
    const say = (from: number, to: number): Promise<unknown>[] =>
      contacts.flatMap(contact =>
        Array.from({ length: to - from }, (_, i) => house.app.send(contact, `${contact}${from + i}`)),
      )

    // Killed in the middle of deliveries: some calls are not answered yet.
    let held = 0
    receiver.answer = (_, response) => {
      if (receiver.received.length % 3 === 0 && held++ < 20) setTimeout(() => response.end(), 300)
      else response.end()
    }
    await Promise.all(say(0, 20))
    await until('it', () => receiver.received.length > 15)
    await house.killAndStart()
    await Promise.all(say(20, 30))
    await until('it', () => textsByContact(receiver.received).e?.length === 30)
    await until('it', () => Object.values(textsByContact(receiver.received)).flat().length === 150)
    assert.deepEqual(textsByContact(receiver.received), expected(30))

    // Down: nothing is lost, nothing is given up, and it goes on where it stood, also after another kill -9.
    await receiver.close()
    await Promise.all(say(30, 40))
    await until('it', async () => (await hookOf(house, 'crm')).state === 'down')
    const down = await hookOf(house, 'crm')
    assert.deepEqual([down.dead, down.lag > 0, typeof down.lastError?.reason], [0, true, 'string'])
    await house.killAndStart()
    const again = await openReceiver(t, { port: Number(new URL(receiver.url).port) })
    await until(
      'it',
      () => Object.values(textsByContact([...receiver.received, ...again.received])).flat().length === 200,
      30_000,
    )
    assert.deepEqual(textsByContact([...receiver.received, ...again.received]), expected(40))
    await until('it', async () => (await hookOf(house, 'crm')).lag === 0)
    assert.equal((await hookOf(house, 'crm')).state, 'running')

    // A third party believes every call, and none that was changed.
    const webhook = new Webhook(secret)
    for (const { text, headers } of [...receiver.received, ...again.received])
      webhook.verify(text, headers as Record<string, string>)
    const { text, headers } = again.received[0]!
    assert.throws(() => webhook.verify(text.replace('"n":', '"n":1'), headers as Record<string, string>))
    // Order of everything in a conversation, not of messages alone: numbers without gaps.
    const numbers = new Map<string, Set<number>>()
    for (const { body } of [...receiver.received, ...again.received]) {
      // That it waits may be recorded only after the hook has begun.
      if (body.contact === 'before') continue
      const of = numbers.get(body.conversation!) ?? new Set()
      if (!of.has(body.n!)) assert.equal(body.n, of.size + 1)
      numbers.set(body.conversation!, of.add(body.n!))
    }
  })

  test('that are slow, down or gone delay nobody else; one is told only of what it asks for', {
    timeout: 60_000,
  }, async t => {
    const house = await House.open(t)
    const [slow, quick, gone] = await Promise.all([openReceiver(t), openReceiver(t), openReceiver(t)])
    slow.answer = () => undefined
    gone.answer = (_, response) => void response.writeHead(410).end()
    await add(house, 'slow', slow.url)
    await add(house, 'down', 'http://127.0.0.1:9/in')
    await add(house, 'gone', gone.url)
    const added = await add(house, 'quick', quick.url, { events: ['message'], channels: ['app'] })
    await add(house, 'elsewhere', quick.url, { channels: ['app'], events: ['rated'] })
    for (let i = 0; i < 50; i++) await house.app.send(`c${i % 25}`, `${i}`)
    await until('it', () => quick.received.length === 50)
    assert.ok(slow.received.length <= 16, 'so many at once, and not one of them has been answered')
    assert.ok(quick.received.every(({ body }) => body.record?.type === 'message' && body.hook === 'quick'))
    await until('it', async () => (await hookOf(house, 'gone')).stopped?.why === 'gone')
    assert.equal((await hookOf(house, 'gone')).state, 'stopped')
    await until('it', async () => (await hookOf(house, 'down')).state === 'down')

    const { warnings } = await house.daemon.control<{ warnings: string[] }>('daemon.status')
    assert.match(warnings.join('\n'), /hook down is down: .*\n.*hook gone has stopped: /)

    // What was switched off goes on where it stood.
    gone.answer = (_, response) => void response.end()
    const before = gone.received.length
    const args = { home: house.home }
    const shown = await kefuJson<{ hook: HookView }>(['hook', 'set', 'gone', '--enable'], args)
    assert.equal(shown.hook.stopped, undefined)
    await until('it', () => gone.received.length >= before + 50)
    const list = await runKefu(['hook', 'list', '--plain', '--fields', 'name,state'], args)
    assert.match(list.stdout, /^quick\trunning$/m)
    assert.equal((await kefuJson<{ ok: boolean }>(['hook', 'test', 'quick'], args)).ok, true)
    assert.equal(quick.received.at(-1)?.body.record?.type, 'test')

    for (const words of [
      ['resend', 'quick'],
      ['resend', 'quick', 'x'],
      ['forget', 'quick', '1', '--all'],
    ])
      await kefuFails(['hook', ...words], { code: 'KEFU_USAGE', exit: 2 }, args)
    await kefuFails(['hook', 'resend', 'quick', '5'], { code: 'KEFU_DEAD_LETTER_NOT_FOUND', exit: 13 }, args)

    // While a secret is replaced, receivers that know either of them believe the calls.
    const next = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const rotation = { owner: 'hook/quick', name: 'secret', keepMs: 60_000 }
    for (const value of ['password', `${next.slice(0, -9)}!`, 'whsec_AAAA']) {
      await assert.rejects(house.daemon.control('credential.rotate', { ...rotation, value }), /whsec_/)
      const { keepMs: _, ...secret } = rotation
      await assert.rejects(house.daemon.control('credential.set', { ...secret, value }), /whsec_/)
    }
    await house.daemon.control('credential.rotate', { ...rotation, value: next })
    await kefuJson(['hook', 'test', 'quick'], args)
    const { text, headers } = quick.received.at(-1)!
    for (const secret of [added.secret, next]) new Webhook(secret).verify(text, headers as Record<string, string>)
    await runKefu(['hook', 'remove', 'slow', '--yes'], args)
    assert.equal((await house.daemon.control<{ hooks: unknown[] }>('hook.list')).hooks.length, 4)
  })
})
