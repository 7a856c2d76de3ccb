import assert from 'node:assert/strict'
import type { DirectoryEvent, DirectoryPort } from '../../src/daemon/core/ports.js'
import { isKefuError } from '../../src/errors.js'
import { assertRefused, type StoreCase, soon, storeCase, turns, until } from './store-bench.js'

/** A watcher that notes what it sees, in short: `+key revision` and `-key`. */
function watch(directory: DirectoryPort, prefix: string) {
  const abort = new AbortController()
  const seen: string[] = []
  const done = (async () => {
    for await (const event of directory.watch(prefix, abort.signal)) seen.push(shortOf(event))
  })()
  return {
    seen,
    async stop() {
      abort.abort()
      await done
    },
  }
}

function shortOf(event: DirectoryEvent): string {
  return event.type === 'put' ? `+${event.entry.key} ${event.entry.revision}` : `-${event.key}`
}

/** The directory: compare and set, expiry, watching. */
export const directoryCases: readonly StoreCase[] = [
  storeCase('an entry is created, read, changed and removed', async ({ store: { directory } }) => {
    assert.equal(await directory.get('agents/ann'), null)
    const first = await directory.create('agents/ann', { name: 'Ann', tokens: ['x'], n: 1.5, is: true, none: null })
    assert.deepEqual(await directory.get('agents/ann'), {
      key: 'agents/ann',
      value: { name: 'Ann', tokens: ['x'], n: 1.5, is: true, none: null },
      revision: first,
    })
    const second = await directory.update('agents/ann', ['other'], first)
    assert.notEqual(second, first)
    assert.deepEqual((await directory.get('agents/ann'))?.value, ['other'])
    await directory.remove('agents/ann', second)
    assert.equal(await directory.get('agents/ann'), null)
  }),

  storeCase('what exists is not created again', async ({ store: { directory } }) => {
    await directory.create('k', 1)
    await assertRefused(directory.create('k', 2), 'KEFU_DIRECTORY_EXISTS')
    assert.equal((await directory.get('k'))?.value, 1)
  }),

  storeCase('of 50 that create the same, one does', async ({ store: { directory } }) => {
    const results = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => directory.create('k', i)))
    const winners = results.filter(result => result.status === 'fulfilled')
    assert.equal(winners.length, 1)
    assert.ok(
      results.every(result => result.status === 'fulfilled' || isKefuError(result.reason, 'KEFU_DIRECTORY_EXISTS')),
    )
    const entry = await directory.get('k')
    assert.equal(entry?.revision, winners[0]?.value)
    assert.equal(results[entry?.value as number]?.status, 'fulfilled')
  }),

  storeCase('of 50 that change the same revision, one does', async ({ store: { directory } }) => {
    let revision = await directory.create('k', -1)
    for (let round = 0; round < 3; round++) {
      const results = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => directory.update('k', i, revision)))
      const winners = results.filter(result => result.status === 'fulfilled')
      assert.equal(winners.length, 1)
      assert.ok(
        results.every(result => result.status === 'fulfilled' || isKefuError(result.reason, 'KEFU_DIRECTORY_CONFLICT')),
      )
      revision = winners[0]!.value
      assert.equal((await directory.get('k'))?.revision, revision)
    }
  }),

  storeCase('a revision is never used again', async ({ store: { directory } }) => {
    const first = await directory.create('k', 1)
    await directory.remove('k', first)
    const second = await directory.create('k', 1)
    assert.ok(second > first)
    await assertRefused(directory.update('k', 2, first), 'KEFU_DIRECTORY_CONFLICT')
    await assertRefused(directory.remove('k', first), 'KEFU_DIRECTORY_CONFLICT')
    await directory.remove('k', second)
    await assertRefused(directory.update('k', 2, second), 'KEFU_DIRECTORY_CONFLICT')
    await assertRefused(directory.remove('k', second), 'KEFU_DIRECTORY_CONFLICT')
  }),

  storeCase('a list has the prefix, in key order', async ({ store: { directory } }) => {
    for (const key of ['b/2', 'a/1', 'b/10', 'b/1', 'c', 'b']) await directory.create(key, key)
    const keysOf = async (prefix: string) => (await directory.list(prefix)).map(entry => entry.key)
    assert.deepEqual(await keysOf('b/'), ['b/1', 'b/10', 'b/2'])
    assert.deepEqual(await keysOf(''), ['a/1', 'b', 'b/1', 'b/10', 'b/2', 'c'])
    assert.deepEqual(await keysOf('x'), [])
  }),

  storeCase('a value is as it was when it was given', async ({ store: { directory } }) => {
    const value = { names: ['ann'] }
    const revision = await directory.create('k', value)
    value.names.push('bob')
    assert.deepEqual((await directory.get('k'))?.value, { names: ['ann'] })
    assert.equal((await directory.get('k'))?.revision, revision)
  }),

  storeCase('a value that is too large is refused', async ({ store: { directory } }) => {
    await directory.create('fits', 'x'.repeat(60_000))
    await assertRefused(directory.create('big', 'x'.repeat(70_000)), 'KEFU_MESSAGE_TOO_LARGE')
    assert.equal(await directory.get('big'), null)
  }),

  storeCase('an entry goes when its time is over', async ({ store: { directory }, clock }) => {
    const revision = await directory.create('lease', 'me', 10_000)
    await directory.create('keeps', 'x')
    clock.advance(9_999)
    assert.equal((await directory.get('lease'))?.revision, revision)
    clock.advance(1)
    assert.equal(await directory.get('lease'), null)
    assert.deepEqual(
      (await directory.list('')).map(entry => entry.key),
      ['keeps'],
    )
    await assertRefused(directory.update('lease', 'me', revision, 10_000), 'KEFU_DIRECTORY_CONFLICT')
    await assertRefused(directory.remove('lease', revision), 'KEFU_DIRECTORY_CONFLICT')
    assert.ok((await directory.create('lease', 'you', 10_000)) > revision)
  }),

  storeCase('a renewed entry stays', async ({ store: { directory }, clock }) => {
    let revision = await directory.create('lease', 'me', 10_000)
    for (let i = 0; i < 5; i++) {
      clock.advance(8_000)
      revision = await directory.update('lease', 'me', revision, 10_000)
    }
    assert.equal((await directory.get('lease'))?.revision, revision)
    clock.advance(10_000)
    assert.equal(await directory.get('lease'), null)
  }),

  storeCase('without a time to live an entry does not go any more', async ({ store: { directory }, clock }) => {
    const revision = await directory.create('k', 1, 10_000)
    await directory.update('k', 2, revision)
    clock.advance(86_400_000)
    assert.equal((await directory.get('k'))?.value, 2)
  }),

  storeCase('the wall clock has no part in expiry', async ({ store: { directory }, clock }) => {
    await directory.create('lease', 'me', 60_000)
    clock.setWall(clock.now() + 10 * 365 * 86_400_000)
    clock.advance(59_000)
    assert.notEqual(await directory.get('lease'), null)
    clock.setWall(clock.now() - 20 * 365 * 86_400_000)
    clock.advance(999)
    assert.notEqual(await directory.get('lease'), null)
    clock.advance(1)
    assert.equal(await directory.get('lease'), null)
  }),

  storeCase('a watcher sees what there is, then every change in order', async ({ store: { directory }, clock }) => {
    const a = await directory.create('w/a', 1)
    await directory.create('other', 1)
    const watcher = watch(directory, 'w/')
    await until('what there is', () => watcher.seen.length === 1)
    const b = await directory.create('w/b', 1, 5_000)
    const a2 = await directory.update('w/a', 2, a)
    await directory.create('x', 1)
    await directory.remove('w/a', a2)
    clock.advance(5_000)
    const b2 = await directory.create('w/b', 2)
    await until('the changes', () => watcher.seen.length >= 6)
    await watcher.stop()
    assert.deepEqual(watcher.seen, [`+w/a ${a}`, `+w/b ${b}`, `+w/a ${a2}`, '-w/a', '-w/b', `+w/b ${b2}`])
  }),

  storeCase('several watchers see the same, and an ended one nothing', async ({ store: { directory } }) => {
    const [first, second] = [watch(directory, ''), watch(directory, '')]
    await turns()
    await directory.create('a', 1)
    await until('the change', () => first.seen.length === 1 && second.seen.length === 1)
    await first.stop()
    await directory.create('b', 1)
    await until('the change', () => second.seen.length === 2)
    await second.stop()
    assert.equal(first.seen.length, 1)
  }),

  storeCase('a watcher that takes its time ends up with the last state', async ({ store: { directory } }) => {
    const abort = new AbortController()
    const events = directory.watch('', abort.signal)[Symbol.asyncIterator]()
    let revision = await directory.create('k', 0)
    const state = new Map<string, unknown>()
    const take = async () => {
      const { value, done } = await soon(events.next(), 'the next change')
      if (done === true) return
      if (value.type === 'put') state.set(value.entry.key, value.entry.value)
      else state.delete(value.key)
    }
    await take()
    for (let i = 1; i <= 100; i++) revision = await directory.update('k', i, revision)
    await directory.create('end', true)
    while (!state.has('end')) await take()
    assert.equal(state.get('k'), 100)
    abort.abort()
    await events.return?.()
  }),

  storeCase(
    'entries and their revisions survive a restart',
    async subject => {
      const { directory } = subject.store
      const revision = await directory.create('a', { deep: [1, 'two'] })
      const gone = await directory.create('b', 1)
      await directory.remove('b', gone)
      const again = (await subject.restart()).directory
      assert.deepEqual(await again.get('a'), { key: 'a', value: { deep: [1, 'two'] }, revision })
      assert.equal(await again.get('b'), null)
      assert.ok((await again.create('b', 1)) > gone)
      await again.update('a', 2, revision)
    },
    { needs: 'restart' },
  ),

  storeCase(
    'time to live goes on over a restart',
    async subject => {
      await subject.store.directory.create('short', 1, 10_000)
      await subject.store.directory.create('long', 1, 60_000)
      subject.clock.advance(6_000)
      const { directory } = await subject.restart()
      assert.notEqual(await directory.get('short'), null)
      subject.clock.advance(5_000)
      assert.equal(await directory.get('short'), null)
      assert.notEqual(await directory.get('long'), null)
      const last = (await subject.restart()).directory
      subject.clock.advance(50_000)
      assert.equal(await last.get('long'), null)
    },
    { needs: 'restart' },
  ),
]
