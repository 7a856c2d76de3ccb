import assert from 'node:assert/strict'
import { assertRefused, type StoreCase, storeCase, turns, until } from './store-bench.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = (payload: Uint8Array) => new TextDecoder().decode(payload)

/** Signals between nodes. */
export const busCases: readonly StoreCase[] = [
  storeCase('a signal reaches every subscriber once, after the publisher has gone on', async ({ store: { bus } }) => {
    const seen: string[] = []
    for (const name of ['a', 'b', 'c']) bus.subscribe('topic', payload => seen.push(name + textOf(payload)))
    bus.publish('topic', bytes('1'))
    assert.deepEqual(seen, [])
    await until('the signals', () => seen.length >= 3)
    await turns()
    assert.deepEqual(seen.sort(), ['a1', 'b1', 'c1'])
  }),

  storeCase('signals of a publisher keep their order', async ({ store: { bus } }) => {
    const seen: number[] = []
    bus.subscribe('topic', payload => seen.push(Number(textOf(payload))))
    for (let i = 0; i < 1_000; i++) bus.publish('topic', bytes(String(i)))
    await until('the signals', () => seen.length === 1_000)
    assert.deepEqual(
      seen,
      seen.map((_, i) => i),
    )
  }),

  storeCase('10,000 topics do not mix', async ({ store: { bus } }) => {
    let right = 0
    let wrong = 0
    for (let i = 0; i < 10_000; i++)
      bus.subscribe(`topic.${i}`, payload => {
        if (textOf(payload) === String(i)) right++
        else wrong++
      })
    for (let i = 9_999; i >= 0; i--) bus.publish(`topic.${i}`, bytes(String(i)))
    await until('the signals', () => right + wrong >= 10_000)
    await turns()
    assert.deepEqual([right, wrong], [10_000, 0])
  }),

  storeCase('there is no history, and nothing after the end of a subscription', async ({ store: { bus } }) => {
    const seen: string[] = []
    bus.publish('topic', bytes('early'))
    const end = bus.subscribe('topic', payload => seen.push(textOf(payload)))
    await turns()
    bus.publish('topic', bytes('now'))
    await until('the signal', () => seen.length === 1)
    bus.publish('topic', bytes('pending'))
    end()
    end()
    bus.publish('topic', bytes('late'))
    await turns()
    assert.deepEqual(seen, ['now'])
  }),

  storeCase('a callback that throws does not disturb the others', async ({ store: { bus } }) => {
    const seen: string[] = []
    bus.subscribe('topic', () => {
      throw new Error('a callback failed, as the test wants')
    })
    bus.subscribe('topic', payload => seen.push(textOf(payload)))
    bus.publish('topic', bytes('1'))
    bus.publish('topic', bytes('2'))
    await until('the signals', () => seen.length === 2)
    assert.deepEqual(seen, ['1', '2'])
  }),

  storeCase('the first answer to a request is the answer', async ({ store: { bus } }) => {
    bus.subscribe('ask', payload => assert.equal(textOf(payload), 'question'))
    bus.subscribe('ask', (_, reply) => reply?.(bytes('first')))
    bus.subscribe('ask', (_, reply) => reply?.(bytes('second')))
    assert.equal(textOf(await bus.request('ask', bytes('question'), 1_000)), 'first')
  }),

  storeCase('a request without an answer times out', async ({ store: { bus }, clock }) => {
    bus.subscribe('silent', () => undefined)
    const requests = [bus.request('silent', bytes('?'), 1_000), bus.request('nobody', bytes('?'), 1_000)]
    const results = Promise.all(requests.map(request => assertRefused(request, 'KEFU_TIMEOUT')))
    let isOver = false
    void results.then(() => {
      isOver = true
    })
    clock.advance(999)
    await turns()
    assert.equal(isOver, false)
    clock.advance(1)
    await results
  }),
]
