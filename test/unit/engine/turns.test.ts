import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Turns } from '../../../src/daemon/engine/platforms/turns.js'
import { createManualClock } from '../../helpers/manual-clock.js'

/** Work takes a millisecond. */
function createRig() {
  const clock = createManualClock()
  const turns = new Turns<string>(clock)
  const done: string[] = []
  const work = (name: string) => (): string => {
    clock.advance(1)
    done.push(name)
    return name
  }
  return { turns, done, work }
}

describe('turns of the event loop', () => {
  test('whoever comes begins at once while there is time, and again in the next turn of the loop', async () => {
    const { turns, work } = createRig()
    for (let at = 0; at < 2; at++) {
      assert.ok(turns.isFree())
      work('a')()
      assert.ok(turns.isFree())
      work('a')()
      assert.equal(turns.isFree(), false)
      await nextTurn()
    }
  })

  test('a long line of one owner delays another by one piece of work', async () => {
    const { turns, done, work } = createRig()
    const outcomes = Array.from({ length: 9 }, (_, at) => turns.wait('flood', work(`flood ${at}`)))
    const calm = [turns.wait('calm', work('calm 0')), turns.wait('calm', work('calm 1'))]
    assert.equal(turns.isFree(), false)
    assert.deepEqual(await Promise.all(calm), ['calm 0', 'calm 1'])
    assert.deepEqual(done.slice(0, 4), ['flood 0', 'calm 0', 'flood 1', 'calm 1'])
    await Promise.all(outcomes)
    assert.deepEqual(
      done.filter(name => name.startsWith('flood')),
      Array.from({ length: 9 }, (_, at) => `flood ${at}`),
    )
    await nextTurn()
    assert.ok(turns.isFree())
  })

  test('the loop goes round between slices', async () => {
    const { turns, done, work } = createRig()
    const last = Promise.all(Array.from({ length: 6 }, (_, at) => turns.wait('flood', work(`${at}`))))
    const seen: number[] = []
    while (done.length < 6) {
      await nextTurn()
      seen.push(done.length)
    }
    await last
    assert.deepEqual(seen, [2, 4, 6])
  })

  test('work that fails fails for whoever asked, and for nobody else', async () => {
    const { turns, work } = createRig()
    const failing = turns.wait('a', () => {
      throw new Error('broken')
    })
    const fine = turns.wait('a', work('fine'))
    await assert.rejects(failing, /broken/)
    assert.equal(await fine, 'fine')
    await assert.rejects(
      turns.wait('a', () => Promise.reject(new Error('later'))),
      /later/,
    )
  })
})
