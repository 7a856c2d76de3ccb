import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DeadLetter } from '../../../src/daemon/core/hook.js'
import { HookCursors } from '../../../src/daemon/hooks/cursors.js'
import { DeadLetters } from '../../../src/daemon/hooks/dead-letters.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { doubtNextWrite } from '../../helpers/doubtful-write.js'
import { createManualClock } from '../../helpers/manual-clock.js'

const openDirectory = () => createMemoryStore({ clock: createManualClock() }).directory
const unknown = { code: 'KEFU_STORE_UNAVAILABLE' }

function letter(attempts: number): DeadLetter {
  const conversation = 'c_00000000000000000000000000' as never
  return { seq: 7, conversation, n: 2, type: 'message', at: 1, attempts, reason: 'it answered 422' }
}

describe('a write of which nobody knows whether it was stored', () => {
  test('does not keep a cursor from moving on', async () => {
    const directory = openDirectory()
    const cursors = await HookCursors.load(directory)
    for (const seq of [1, 2, 3]) {
      doubtNextWrite(directory)
      await assert.rejects(cursors.set('h', seq), unknown)
      if (seq < 3) await cursors.set('h', seq)
    }
    await cursors.set('h', 4)
    assert.equal((await HookCursors.load(directory)).get('h'), 4)
    doubtNextWrite(directory)
    await assert.rejects(cursors.set('h', 5), unknown)
    await cursors.remove('h')
    assert.deepEqual(await directory.list(''), [])
  })

  test('does not keep a dead letter from being put, counted or taken away', async () => {
    const directory = openDirectory()
    const letters = await DeadLetters.load(directory)
    doubtNextWrite(directory)
    await assert.rejects(letters.put('h', letter(1)), unknown)
    assert.equal(await letters.put('h', letter(1)), true)
    doubtNextWrite(directory)
    await assert.rejects(letters.put('h', letter(2)), unknown)
    assert.equal(await letters.put('h', letter(3)), true)
    assert.deepEqual((await DeadLetters.load(directory)).list('h'), [letter(3)])
    doubtNextWrite(directory)
    await assert.rejects(letters.remove('h', 7), unknown)
    assert.equal(await letters.remove('h', 7), true)
    assert.deepEqual([letters.count('h'), await directory.list('')], [0, []])
  })
})
