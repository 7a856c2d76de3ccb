import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reduce } from '../../../src/daemon/core/conversation.js'
import { takenOver } from '../../../src/daemon/core/echo.js'
import type { Head } from '../../../src/daemon/core/model.js'
import { type OpenedBody, type RecordBody, SYSTEM } from '../../../src/daemon/core/records.js'

const OPENED: OpenedBody = { type: 'opened', channel: 1, kind: 'wecom-kf', egress: 'outbox', contact: 'u1' }
const parts = [{ type: 'text', text: 'hello' }] as const
const ASKED: RecordBody = { type: 'message', by: { role: 'contact' }, parts }
const WITH_BOT: RecordBody = { type: 'assigned', by: SYSTEM, agent: 'a_bot', name: 'bot', reasons: ['bot'], bot: true }
const by = { role: 'agent', name: 'Li at WeCom' } as const
const ECHO: RecordBody = { type: 'message', by, parts, isEcho: true }

/** The head after records, a second apart. */
function after(bodies: readonly RecordBody[], from: Head | null = null): Head {
  let head = from
  for (const body of bodies) {
    const [n, seq, at] = [(head?.n ?? 0) + 1, (head?.seq ?? 0) + 1, (head?.at ?? 0) + 1_000]
    head = reduce('c_00000000000000000000000000', head, { n, seq, at, flags: 0, prev: head?.seq ?? 0 }, body)
  }
  return head!
}

test('whoever answers on the platform itself takes the conversation from a bot, and has answered', () => {
  const before = after([OPENED, ASKED, WITH_BOT])
  const queued = takenOver(before, by, 4_000)!
  assert.deepEqual(queued, { type: 'queued', by, since: 4_000, reasons: ['answered-elsewhere'], from: 'a_bot' })
  const { state, agent, waitingSince, unansweredSince, details } = after([queued, ECHO], before)
  assert.deepEqual([state, agent, waitingSince, unansweredSince], ['waiting', undefined, 4_000, undefined])
  assert.deepEqual([details.answeredAt, details.lastAgent], [5_000, undefined])
})

test('what no bot has got yet keeps its place, and no bot gets it', () => {
  const before = after([OPENED, ASKED])
  const queued = takenOver(before, by, 9_000)!
  assert.deepEqual([queued.since, queued.from], [before.waitingSince, undefined])
  assert.equal(after([queued, ECHO], before).state, 'waiting')
})

test('what people have, and what nobody has to answer, stays as it is', () => {
  assert.equal(takenOver(null, by, 1), undefined)
  for (const bodies of [
    [{ type: 'assigned', by: SYSTEM, agent: 'a_li', name: 'Li', reasons: [] } as const],
    [{ type: 'queued', by: SYSTEM, since: 1, reasons: [] } as const],
    [{ type: 'closed', by: SYSTEM, reason: 'idle' } as const],
  ])
    assert.equal(takenOver(after([OPENED, ASKED, ...bodies]), by, 1), undefined)
})
