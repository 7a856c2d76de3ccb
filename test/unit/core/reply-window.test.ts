import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ContactEvent } from '../../../src/daemon/core/channel-adapter.js'
import { reduce } from '../../../src/daemon/core/conversation.js'
import type { Head } from '../../../src/daemon/core/model.js'
import type { Permission, RecordBody } from '../../../src/daemon/core/records.js'
import { permissionOf, windowClosed } from '../../../src/daemon/core/reply-window.js'
import { retryAfter } from '../../../src/daemon/core/send-policy.js'

const GRANTS = { message: { messages: 5, windowMs: 172_800_000 }, welcome: { messages: 1, windowMs: 20_000 } }
const event = (grant: string | undefined, sentAtMs: number) =>
  ({ key: 'k', contact: 'u', sentAtMs, type: 'message', parts: [], grant }) as unknown as ContactEvent

describe('the reply window of a platform', () => {
  test('ends a minute early, a short one a tenth; counted from the earlier of the two clocks', () => {
    assert.deepEqual(permissionOf(event('message', 1_000), GRANTS, 5_000), { messages: 5, until: 172_741_000 })
    assert.deepEqual(permissionOf(event('message', 9_000), GRANTS, 5_000), { messages: 5, until: 172_745_000 })
    assert.deepEqual(permissionOf(event('welcome', 0), GRANTS, 0), { messages: 1, until: 18_000 })
    for (const name of [undefined, 'unknown', '__proto__', 'toString'])
      assert.equal(permissionOf(event(name, 0), GRANTS, 0), undefined)
  })

  test('is closed before anything was permitted, when it is used up, and when it is over', () => {
    const window = { n: 2, messages: 2, until: 100 }
    assert.match(windowClosed(undefined, 0, 0) ?? '', /after the contact has written/)
    assert.equal(windowClosed(window, 1, 99), undefined)
    assert.match(windowClosed(window, 2, 99) ?? '', /2 messages/)
    assert.match(windowClosed(window, 0, 100) ?? '', /over/)
  })

  test('is replaced by a later one; a shorter one is added and takes nothing away', () => {
    const say = (head: Head | null, n: number, at: number, window?: Permission): Head => {
      const by = { role: 'contact' } as const
      const body: RecordBody =
        head === null
          ? { type: 'opened', channel: 1, kind: 'wechat-mp', egress: 'outbox', contact: 'u' }
          : { type: 'event', by, name: 'x', ...(window === undefined ? {} : { window }) }
      return reduce('c_00000000000000000000000000', head, { flags: 0, seq: n, n, prev: 0, at }, body)
    }
    let head = say(say(null, 1, 0), 2, 10, { messages: 5, until: 1_000 })
    assert.deepEqual(head.details.window, { n: 2, messages: 5, until: 1_000 })
    head = say(head, 3, 20, { messages: 3, until: 80 })
    assert.deepEqual(head.details.window, { n: 2, messages: 8, until: 1_000 })
    head = say(head, 4, 30, { messages: 5, until: 1_030 })
    assert.deepEqual(head.details.window, { n: 4, messages: 5, until: 1_030 })
    head = say(head, 5, 2_000, { messages: 3, until: 2_060 })
    assert.deepEqual(head.details.window, { n: 5, messages: 3, until: 2_060 })
  })
})

test('tries again after 1, 2, 4 … seconds, at most five minutes, for about an hour', () => {
  const waits: number[] = []
  for (let attempt = 1; retryAfter(attempt) !== undefined; attempt++) waits.push(retryAfter(attempt)!)
  assert.deepEqual(waits.slice(0, 4), [1_000, 2_000, 4_000, 8_000])
  assert.equal(Math.max(...waits), 300_000)
  const total = waits.reduce((sum, wait) => sum + wait, 0)
  assert.ok(total >= 3_600_000 && total < 3_960_000, `${total} ms`)
})
