import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import type { Channel } from '../../../src/daemon/core/model.js'
import { type RecordBody, SYSTEM } from '../../../src/daemon/core/records.js'
import type { RetentionDays } from '../../../src/daemon/core/retention-kinds.js'
import { changedRetention } from '../../../src/daemon/engine/registry/retention-settings.js'
import { Retention, type RetentionPorts, type RetentionRun } from '../../../src/daemon/engine/retention/retention.js'
import { createMediaStore } from '../../../src/daemon/media/store.js'
import { openLevelStore } from '../../../src/daemon/store/level/open.js'
import { isKefuError, KefuError } from '../../../src/errors.js'
import {
  answer,
  assertRefused,
  conversationId,
  message,
  opening,
  readAll,
  until,
} from '../../conformance/store-bench.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { tmpDir } from '../../helpers/tmp-dir.js'
import { filesWith } from '../../store/table-contents.js'

const DAY_MS = 86_400_000
const SECRET = 'granite-whistle-said'
const [SHOP, APP] = [conversationId(1), conversationId(2)]

async function openRig(t: TestContext, retain: RetentionDays) {
  const folder = tmpDir(t)
  const clock = createManualClock()
  const report = (error: unknown) => assert.fail(error as Error)
  const store = await openLevelStore({ path: join(folder, 'store'), clock })
  const media = await createMediaStore(
    { clock, random: randomBytes, report },
    { path: join(folder, 'media'), fileLimitBytes: 1e6 },
  )
  const { log, eraser, outbox, directory } = store
  const runs: RetentionRun[] = []
  const seqs: number[] = []
  const channels = [{ number: 7, retain }, { number: 8 }] as unknown as Channel[]
  const ports: RetentionPorts = {
    ...{ log, eraser, outbox, directory, media, clock, report },
    channels: { list: () => channels },
    onForgotten: async (_, more) => void seqs.push(...more),
    applied: async run => void runs.push(run),
  }
  const open: Retention[] = []
  const start = (change: Partial<RetentionPorts> = {}): Retention => {
    const retention = new Retention({ ...ports, ...change })
    open.push(retention)
    return retention
  }
  /** Runs it, with all of its pauses. */
  const run = async (retention: Retention): Promise<RetentionRun> => {
    let isOver = false
    const outcome = retention.run().finally(() => {
      isOver = true
    })
    outcome.catch(() => undefined)
    await until('the run', () => {
      if (!isOver) clock.advance(20)
      return isOver
    })
    return outcome
  }
  t.after(async () => {
    for (const retention of open) await retention.close()
    await media.close()
    await store.close()
  })
  return { folder, clock, store, media, channels, runs, seqs, start, run }
}

/** One of each kind, in a channel that keeps for a time and in one that keeps for ever; the name of the file. */
async function fillRig({ store, media }: Awaited<ReturnType<typeof openRig>>): Promise<string> {
  const bytes = Buffer.from(`${SECRET} in a file`)
  const upload = { conversation: SHOP, uploader: 'x', declaredType: undefined, bytes }
  const file = await media.put(upload)
  assert.equal(await media.keep(SHOP, file.media), true)
  const bodies: RecordBody[] = [
    message('m-1', SECRET),
    { type: 'message', by: { role: 'contact' }, parts: [{ type: 'file', media: file.media, name: SECRET }] },
    answer('ann', 'a-1', SECRET),
    { type: 'note', by: SYSTEM, text: SECRET },
    { type: 'event', by: { role: 'contact' }, name: SECRET },
  ]
  const out = { kind: 'webhook', egress: 'outbox' } as const
  await store.log.append(SHOP, bodies, { opening: opening({ ...out, channel: 7 }) })
  await store.log.append(APP, [message('m-1', 'for ever')], { opening: opening({ ...out, channel: 8 }) })
  return file.media
}

async function typesOf({ store }: Awaited<ReturnType<typeof openRig>>, id: ConversationId): Promise<string[]> {
  return (await readAll(store.log, id)).map(({ body }) => (body.type === 'forgotten' ? `-${body.was}` : body.type))
}

test('each kind goes when its time is over, and nothing else', async t => {
  const rig = await openRig(t, { text: 10, media: 2, notes: 20, events: 30 })
  const file = await fillRig(rig)
  const { clock, store, run, runs, start, media } = rig
  const retention = start()
  const head = await store.log.head(SHOP)
  assert.equal((await run(retention)).records, 0)
  clock.advance(3 * DAY_MS)
  assert.deepEqual({ ...(await run(retention)), at: 0 }, { at: 0, records: 1, files: 1 })
  assert.deepEqual(await typesOf(rig, SHOP), ['opened', 'message', '-message', 'message', 'note', 'event'])
  await assertRefused(media.open(SHOP, file), 'KEFU_MEDIA_NOT_FOUND')
  await store.log.append(SHOP, [message('m-2', 'young')])
  clock.advance(8 * DAY_MS)
  assert.equal((await run(retention)).records, 2)
  assert.deepEqual((await store.outbox.rows({ limit: 10 })).rows, [])
  clock.advance(20 * DAY_MS)
  // Notes, events, and the young message.
  assert.equal((await run(retention)).records, 3)
  assert.equal((await run(retention)).records, 0)
  assert.deepEqual(await typesOf(rig, SHOP), [
    'opened',
    ...['message', 'message', 'message', 'note', 'event', 'message'].map(was => `-${was}`),
  ])
  assert.deepEqual(await typesOf(rig, APP), ['opened', 'message'])
  assert.deepEqual(filesWith(rig.folder, [SECRET]), [])
  assert.deepEqual((await store.check({ deep: true })).findings, [])
  const { contact, name } = (await store.log.head(SHOP))!
  assert.deepEqual([contact, name], [head?.contact, head?.name])
  assert.equal(rig.seqs.length, 6)
  assert.equal(runs.length, 3)
})

test('a time that is set later is for what was said before, too; one that is taken back keeps what is there', async t => {
  const rig = await openRig(t, {})
  await fillRig(rig)
  const { clock, run, start, channels } = rig
  const retention = start()
  clock.advance(50 * DAY_MS)
  assert.equal((await run(retention)).records, 0)
  channels[0] = { ...channels[0]!, retain: { notes: 10 } }
  assert.equal((await run(retention)).records, 1)
  channels[0] = { ...channels[0]!, retain: {} }
  assert.equal((await run(retention)).records, 0)
})

for (const step of ['forget', 'expunge'] as const)
  test(`a run that ends at "${step}" is gone on with by the next one`, async t => {
    const rig = await openRig(t, { text: 1, media: 1, notes: 1, events: 1 })
    await fillRig(rig)
    const { clock, store, run, start } = rig
    const { eraser } = store
    clock.advance(2 * DAY_MS)
    const broken = start({
      eraser: {
        forget: what => eraser.forget(what),
        expunge: (...args) => eraser.expunge(...args),
        [step]: () => Promise.reject(new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'the test wants it' })),
      },
    })
    await assert.rejects(run(broken), error => isKefuError(error, 'KEFU_STORE_UNAVAILABLE'))
    await run(start())
    assert.equal((await typesOf(rig, SHOP)).filter(type => type.startsWith('-')).length, 5)
    assert.deepEqual(filesWith(rig.folder, [SECRET]), [])
  })

test('it runs by itself, a minute after the start and then once a day', async t => {
  const rig = await openRig(t, { notes: 1 })
  await fillRig(rig)
  const { clock, start } = rig
  clock.advance(3 * DAY_MS)
  start().start()
  clock.advance(60_000)
  await until('a note to go', async () => {
    clock.advance(20)
    return (await typesOf(rig, SHOP)).includes('-note')
  })
})

test('days are whole numbers from 1 on, and null is for ever', () => {
  assert.deepEqual(changedRetention({ text: 5, media: 2 }, { media: null, notes: 3 }), { text: 5, notes: 3 })
  assert.equal(changedRetention({ text: 5 }, { text: null }), undefined)
  for (const text of [0, -1, 1.5, 36_501, Number.NaN])
    assert.throws(
      () => changedRetention(undefined, { text }),
      (error: unknown) => isKefuError(error, 'KEFU_USAGE'),
    )
})
