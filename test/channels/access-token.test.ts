import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAccessTokens, type FetchedToken } from '../../src/daemon/channels/access-token.js'
import { isKefuError } from '../../src/errors.js'
import { createManualClock } from '../helpers/manual-clock.js'

const HOUR_MS = 3_600_000
const none = new AbortController().signal
const isAborted = (error: unknown) => isKefuError(error, 'KEFU_ABORTED')

type Call = { readonly force: boolean; readonly abort: AbortSignal; answer(token: FetchedToken): void; fail(): void }

function setUp() {
  const clock = createManualClock()
  const calls: Call[] = []
  const tokens = createAccessTokens({
    clock,
    fetch: (force, abort) =>
      new Promise((resolve, reject) => {
        calls.push({ force, abort, answer: resolve, fail: () => reject(new Error('no')) })
      }),
  })
  /** A token that is there. */
  async function hold(token: string, expiresInMs = 2 * HOUR_MS): Promise<void> {
    const got = tokens.get(none)
    calls.at(-1)!.answer({ token, expiresInMs })
    assert.equal(await got, token)
  }
  return { clock, calls, tokens, hold }
}

describe('access tokens', () => {
  it('are fetched once for all who ask, without a warning when one signal ends them all', async t => {
    const { tokens, calls } = setUp()
    const warnings: Error[] = []
    const warned = (warning: Error) => warnings.push(warning)
    process.on('warning', warned)
    t.after(() => process.off('warning', warned))
    const { signal } = new AbortController()
    const all = Promise.all(Array.from({ length: 100 }, () => tokens.get(signal)))
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual(warnings, [])
    assert.equal(calls.length, 1)
    calls[0]!.answer({ token: 'a', expiresInMs: HOUR_MS })
    assert.deepEqual(new Set(await all), new Set(['a']))
    assert.equal(await tokens.get(none), 'a')
    assert.equal(calls.length, 1)
  })

  it('are replaced five minutes before their end, and short ones at half of their life', async () => {
    const { tokens, calls, clock, hold } = setUp()
    await hold('a', HOUR_MS)
    clock.advance(HOUR_MS - 300_001)
    assert.equal(await tokens.get(none), 'a')
    clock.advance(1)
    await hold('b', 300_000)
    clock.advance(149_999)
    assert.equal(await tokens.get(none), 'b')
    clock.advance(1)
    await hold('c')
    assert.equal(calls.length, 3)
  })

  it('do not depend on the wall clock', async () => {
    const { tokens, clock, hold } = setUp()
    await hold('a')
    clock.setWall(clock.now() + 24 * HOUR_MS)
    assert.equal(await tokens.get(none), 'a')
  })

  it('are not asked for within two seconds of a failure: who does gets that', async () => {
    const { tokens, calls, clock, hold } = setUp()
    const failed = [tokens.get(none), tokens.get(none)]
    calls[0]!.fail()
    for (const each of failed) await assert.rejects(each, /no/)
    clock.advance(1_999)
    await assert.rejects(tokens.get(none), /no/)
    assert.equal(calls.length, 1)
    clock.advance(1)
    await hold('a')
    tokens.drop('a')
    await hold('b')
    assert.equal(calls.length, 3)
  })

  it('are dropped only by the one that failed', async () => {
    const { tokens, calls, hold } = setUp()
    await hold('a')
    tokens.drop('of yesterday')
    assert.equal(await tokens.get(none), 'a')
    tokens.drop('a')
    await hold('b')
    tokens.drop('a')
    assert.equal(await tokens.get(none), 'b')
    assert.equal(calls.length, 2)
    assert.ok(calls.every(({ force }) => !force))
  })

  it('are forced once in ten minutes, whoever asks for it', async () => {
    const { tokens, calls, clock, hold } = setUp()
    await hold('a')
    assert.ok(tokens.dropForced('a'))
    assert.ok(tokens.dropForced('a'), 'before it is fetched')
    const got = tokens.get(none)
    assert.ok(tokens.dropForced('a'), 'while it is fetched')
    calls[1]!.answer({ token: 'b', expiresInMs: HOUR_MS })
    assert.equal(await got, 'b')
    assert.ok(tokens.dropForced('a'), 'there is another one to be tried')
    assert.ok(!tokens.dropForced('b'), 'the forced one is refused, too')
    assert.deepEqual(
      calls.map(({ force }) => force),
      [false, true],
    )
    clock.advance(600_000)
    assert.ok(tokens.dropForced('b'))
    await hold('c')
    assert.equal(calls.at(-1)!.force, true)
  })

  it('are forced twenty times in a day, as often as platforms give', async () => {
    const { tokens, clock, hold } = setUp()
    await hold('a')
    const forcedIn = async (hours: number): Promise<number> => {
      let forced = 0
      for (let tenth = 0; tenth < 6 * hours; tenth++) {
        clock.advance(600_000)
        if (!tokens.dropForced('a')) continue
        forced++
        await hold('a')
      }
      return forced
    }
    assert.equal(await forcedIn(24), 20)
    assert.equal(await forcedIn(24), 20)
  })

  it('are not forced again because forcing failed', async () => {
    const { tokens, calls, clock, hold } = setUp()
    await hold('a')
    assert.ok(tokens.dropForced('a'))
    const got = tokens.get(none)
    calls[1]!.fail()
    await assert.rejects(got)
    clock.advance(2_000)
    await hold('b')
    assert.deepEqual(
      calls.map(({ force }) => force),
      [false, true, false],
    )
  })

  it('go on for the others when one is aborted, and end with the last', async () => {
    const { tokens, calls, hold } = setUp()
    const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()]
    const [a, b] = [tokens.get(first.signal), tokens.get(second.signal)]
    first.abort()
    await assert.rejects(a, isAborted)
    assert.ok(!calls[0]!.abort.aborted)
    calls[0]!.answer({ token: 'a', expiresInMs: HOUR_MS })
    assert.equal(await b, 'a')

    tokens.drop('a')
    const c = tokens.get(third.signal)
    third.abort()
    await assert.rejects(c, isAborted)
    assert.ok(calls[1]!.abort.aborted)
    // What a deserted call still brings is not kept: another one is under way.
    const d = tokens.get(none)
    calls[1]!.answer({ token: 'late', expiresInMs: HOUR_MS })
    calls[2]!.answer({ token: 'd', expiresInMs: HOUR_MS })
    assert.equal(await d, 'd')
    assert.equal(await tokens.get(none), 'd')
    await assert.rejects(tokens.get(first.signal), isAborted)
    tokens.drop('d')
    await hold('e')
  })
})
