import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatConversationId } from '../../../src/codec/conversation-id.js'
import type { PlatformHttp } from '../../../src/daemon/core/channel-adapter.js'
import { HOOK_LIMITS } from '../../../src/daemon/core/hook.js'
import type { UnreadableCredential } from '../../../src/daemon/core/vault.js'
import { createHooks, type HookRegistry } from '../../../src/daemon/engine/registry/hooks.js'
import { DeadLetters } from '../../../src/daemon/hooks/dead-letters.js'
import { Hooks } from '../../../src/daemon/hooks/hooks.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { isKefuError, KefuError } from '../../../src/errors.js'
import { newWebhookSecret } from '../../../src/platform/standard-webhook.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { until } from '../../helpers/until.js'

type Call = { readonly contact: string; readonly n: number; readonly id: string; readonly type: string }

const random = (length: number): Uint8Array => new Uint8Array(length).fill(7)
const conversationOf = (contact: string) =>
  formatConversationId(Uint8Array.from({ length: 16 }, (_, i) => contact.charCodeAt(i) || 0))
const none = new AbortController().signal

/** Hooks on the memory store and a manual clock, with an endpoint that answers what `statusOf` says. */
async function bench() {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  const { directory, log } = store
  const calls: Call[] = []
  const reported: unknown[] = []
  const told: string[] = []
  const self = { statusOf: (_: Call): number => 200 }
  const http: PlatformHttp = {
    async call({ body }) {
      const { id, contact = '', n = 0, record } = JSON.parse(String(body)) as Call & { record: { type: string } }
      const call = { id, contact, n, type: record.type }
      calls.push(call)
      return { status: self.statusOf(call), header: () => undefined, bytes: new Uint8Array() }
    },
  }
  const secret = { value: newWebhookSecret(random) }
  const strays: UnreadableCredential[] = []
  const removed: string[] = []
  const vault = {
    secrets: () => new Map([['secret', secret]]),
    list: () => [],
    unreadable: () => strays,
    removeOwner: async (owner: string) => void removed.push(owner),
  }
  const events = { info: (event: string) => void told.push(event), warn: (event: string) => void told.push(event) }
  const start = async (): Promise<{ registry: HookRegistry; hooks: Hooks }> => {
    const registry = await createHooks({ directory, log, clock, random })
    const report = (error: unknown) => void reported.push(error)
    const channelName = () => 'site'
    const hooks = await Hooks.start({
      registry,
      directory,
      log,
      clock,
      random,
      http,
      vault,
      events,
      report,
      channelName,
    })
    return { registry, hooks }
  }
  const say = async (contact: string): Promise<void> => {
    const opening = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact } as const
    const by = { role: 'contact' } as const
    await log.append(conversationOf(contact), [{ type: 'message', by, parts: [{ type: 'text', text: 'hi' }] }], {
      opening,
    })
  }
  /** Lets time pass in small steps, and what it sets off happen. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(500)
      for (let i = 0; i < 4; i++) await new Promise(resolve => setImmediate(resolve))
    }
  }
  return Object.assign(self, { clock, store, calls, reported, told, strays, removed, start, say, pass })
}

describe('a hook', () => {
  test('gives up a record that the endpoint refuses, and goes on with its conversation; others have gone on all the time', async () => {
    const rig = await bench()
    const { registry, hooks } = await rig.start()
    const { hook } = await registry.add(
      'crm',
      { url: 'https://crm.example/in', events: ['message'] },
      async () => undefined,
    )
    rig.statusOf = ({ contact, n }) => (contact === 'bad' && n === 2 ? 422 : 200)
    await rig.say('bad')
    await rig.say('bad')
    await rig.say('good')
    await rig.pass(1_000)
    assert.deepEqual(
      rig.calls.filter(({ contact }) => contact === 'good').map(({ n }) => n),
      [2],
    )
    assert.equal(hooks.status(hook).state, 'retrying')
    assert.ok(hooks.status(hook).cursor < 3, 'the cursor does not pass what is not done')
    await rig.pass(600_000)
    const bad = rig.calls.filter(({ contact }) => contact === 'bad')
    assert.deepEqual([bad.filter(({ n }) => n === 2).length, bad.filter(({ n }) => n === 3).length], [10, 1])
    assert.equal(new Set(bad.filter(({ n }) => n === 2).map(({ id }) => id)).size, 1)
    const [letter] = hooks.deadLetters(hook)
    assert.deepEqual(
      [letter?.conversation, letter?.n, letter?.attempts, letter?.reason],
      [conversationOf('bad'), 2, 10, 'it answered 422'],
    )
    assert.deepEqual([hooks.status(hook).state, hooks.status(hook).lag, hooks.status(hook).dead], ['running', 0, 1])
    assert.ok(rig.told.includes('hook.dead-letter'))

    // It is there after a restart, and one no more when it has been delivered, under the same id.
    await hooks.close()
    const again = await rig.start()
    const still = again.registry.show('crm')
    assert.deepEqual(again.hooks.deadLetters(still), [letter])
    const before = rig.calls.length
    assert.equal((await again.hooks.resend(still, letter!.seq, none)).ok, false)
    assert.equal(again.hooks.deadLetters(still)[0]?.attempts, 11)
    rig.statusOf = () => 200
    assert.equal((await again.hooks.resend(still, letter!.seq, none)).ok, true)
    assert.deepEqual(
      rig.calls.slice(before).map(({ id }) => id),
      new Array(2).fill(bad[0]!.id),
    )
    assert.deepEqual(again.hooks.deadLetters(still), [])
    await assert.rejects(again.hooks.resend(still, letter!.seq, none), error =>
      isKefuError(error, 'KEFU_DEAD_LETTER_NOT_FOUND'),
    )
    await rig.pass(5_000)
    assert.equal(rig.calls.length, before + 2, 'nothing goes out a second time after a restart in order')
    await again.hooks.close()
    assert.deepEqual(rig.reported, [])
  })

  test('that cannot read on says so, tries again after longer and longer pauses, and goes on as soon as it can', async () => {
    const rig = await bench()
    const { registry, hooks } = await rig.start()
    const { log } = rig.store
    const { tail } = log
    let reads = 0
    log.tail = () => {
      reads++
      throw new KefuError('KEFU_STORE_CORRUPT', { where: 'record 1' })
    }
    const { hook } = await registry.add('crm', { url: 'https://crm.example/in' }, async () => undefined)
    await rig.say('anybody')
    await rig.pass(600_000)
    const { state, lastError } = hooks.status(hook)
    assert.deepEqual([state, lastError?.reason], ['unreadable', 'stored data is damaged: record 1'])
    assert.ok(reads >= 10 && reads < 40, `${reads} attempts in ten minutes`)
    assert.equal(rig.reported.filter(error => isKefuError(error, 'KEFU_STORE_CORRUPT')).length, 1)
    assert.deepEqual(rig.told, ['hook.unreadable'])
    log.tail = tail
    await rig.pass(61_000)
    assert.deepEqual([hooks.status(hook).state, rig.calls.map(({ n }) => n)], ['running', [1, 2]])
    await hooks.close()
  })

  test('that is gone leaves no credential that a crash has kept, not even one that cannot be read', async () => {
    const rig = await bench()
    const first = await rig.start()
    const { hook } = await first.registry.add('crm', { url: 'https://crm.example/in' }, async () => undefined)
    await first.hooks.close()
    for (const owner of [`hook/${hook.id}`, 'hook/gone', 'channel/9'] as const)
      rig.strays.push({ owner, name: 'secret', problem: 'sealed under another key' })
    const { hooks } = await rig.start()
    assert.deepEqual(rig.removed, ['hook/gone'])
    await hooks.close()
  })

  test('has no dead letter of what is delivered after a crash', async () => {
    const rig = await bench()
    const { directory } = rig.store
    const first = await rig.start()
    const { hook } = await first.registry.add('crm', { url: 'https://crm.example/in' }, async () => undefined)
    await first.hooks.close()
    await rig.say('anybody')
    // As a crash leaves it behind a dead letter and before the cursor.
    const conversation = conversationOf('anybody')
    const letter = { seq: 2, conversation, n: 2, type: 'message', at: 1, attempts: 10, reason: 'it answered 422' }
    const letters = await DeadLetters.load(directory)
    await letters.put(hook.id, { ...letter, type: 'message' })
    const { registry, hooks } = await rig.start()
    assert.equal(hooks.status(registry.show('crm')).dead, 1)
    await rig.pass(1_000)
    assert.deepEqual([rig.calls.map(({ n }) => n), hooks.deadLetters(hook)], [[1, 2], []])
    assert.deepEqual(await directory.list('hook-dead/'), [])
    await hooks.close()
    assert.deepEqual(rig.reported, [])
  })

  test('that wants no more is stopped as soon as the store takes that', async () => {
    const rig = await bench()
    const { registry, hooks } = await rig.start()
    await registry.add('crm', { url: 'https://crm.example/in', events: ['message'] }, async () => undefined)
    rig.statusOf = () => 410
    const { directory } = rig.store
    const { update } = directory
    directory.update = async () => {
      throw new KefuError('KEFU_STORE_FULL')
    }
    await rig.say('anybody')
    await rig.pass(1_000)
    assert.equal(registry.show('crm').stopped, undefined)
    assert.ok(rig.reported.every(error => isKefuError(error, 'KEFU_STORE_FULL')))
    directory.update = update
    await rig.pass(60_000)
    assert.equal(registry.show('crm').stopped?.why, 'gone')
    assert.deepEqual([hooks.status(registry.show('crm')).state, rig.calls.length], ['stopped', 1])
    await hooks.close()
  })

  test('loses patience with a conversation of which everything is refused, and finds it again with the first that is not', async () => {
    const rig = await bench()
    const { registry, hooks } = await rig.start()
    const { hook } = await registry.add(
      'crm',
      { url: 'https://crm.example/in', events: ['message'] },
      async () => undefined,
    )
    rig.statusOf = ({ n }) => (n === 5 ? 200 : 422)
    for (let i = 0; i < 5; i++) await rig.say('bad')
    await rig.pass(600_000)
    const attempts = [2, 3, 4, 5, 6].map(n => rig.calls.filter(call => call.n === n).length)
    assert.deepEqual(attempts, [10, 1, 1, 1, 10])
    assert.deepEqual(
      hooks.deadLetters(hook).map(({ n }) => n),
      [2, 3, 4, 6],
    )
    await hooks.close()
  })

  test('stays where it is for days while nothing gets through, with one attempt a minute, and gives nothing up', async () => {
    const rig = await bench()
    const { registry, hooks } = await rig.start()
    const { hook } = await registry.add(
      'crm',
      { url: 'https://crm.example/in', events: ['message'] },
      async () => undefined,
    )
    rig.statusOf = () => 503
    for (let i = 0; i < 40; i++) await rig.say(`c${i % 20}`)
    await rig.pass(60_000)
    assert.equal(hooks.status(hook).state, 'down')
    const before = rig.calls.length
    await rig.pass(3_600_000)
    assert.ok(rig.calls.length - before <= 125, `${rig.calls.length - before} attempts in an hour`)
    assert.deepEqual([hooks.status(hook).dead, hooks.status(hook).cursor], [0, hook.begin + 1])
    rig.statusOf = () => 200
    rig.calls.length = 0
    await rig.pass(65_000)
    assert.equal(rig.calls.length, 40)
    for (let i = 0; i < 20; i++)
      assert.deepEqual(
        rig.calls.filter(({ contact }) => contact === `c${i}`).map(({ n }) => n),
        [2, 3],
      )
    assert.deepEqual([hooks.status(hook).state, hooks.status(hook).lag], ['running', 0])
    assert.deepEqual(rig.told, ['hook.down', 'hook.up'])
    await hooks.close()
  })

  test('stops itself when it has as many dead letters as are kept, and goes on when it is let', async () => {
    const rig = await bench()
    const { registry, hooks } = await rig.start()
    const { hook } = await registry.add(
      'crm',
      { url: 'https://crm.example/in', events: ['message'] },
      async () => undefined,
    )
    rig.statusOf = () => 400
    for (let i = 0; i <= HOOK_LIMITS.deadLetters; i++) await rig.say(`d${i}`)
    // Sixteen at a time, each of them many times.
    await rig.pass(900_000)
    await until('it stops', () => registry.show('crm').stopped?.why === 'dead-letters')
    assert.equal(hooks.status(hook).dead, HOOK_LIMITS.deadLetters)
    await rig.pass(1_000)
    assert.equal(hooks.status(registry.show('crm')).state, 'stopped')
    assert.equal(await hooks.forget(hook), HOOK_LIMITS.deadLetters)
    rig.statusOf = () => 200
    rig.calls.length = 0
    await registry.set('crm', { stopped: null })
    await rig.pass(2_000)
    assert.ok(rig.calls.length >= 1, 'what stood before it goes first')
    assert.deepEqual([hooks.status(hook).lag, hooks.status(hook).dead], [0, 0])
    await registry.remove('crm')
    await rig.pass(1_000)
    assert.deepEqual(await rig.store.directory.list('hook-'), [])
    await hooks.close()
  })
})
