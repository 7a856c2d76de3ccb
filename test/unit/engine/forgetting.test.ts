import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { EraserPort } from '../../../src/daemon/core/ports.js'
import { SYSTEM } from '../../../src/daemon/core/records.js'
import { type ForgettingPorts, Forgettings } from '../../../src/daemon/engine/retention/forgetting.js'
import { Persons } from '../../../src/daemon/engine/routing/persons.js'
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

const SECRETS = ['quartz-lantern-said', 'quartz-lantern-name', 'quartz-lantern-contact', 'quartz-lantern-file']
const TARGET = conversationId(1)
const OTHER = conversationId(2)
const OUT = opening({ channel: 7, kind: 'webhook', egress: 'outbox', contact: SECRETS[2]!, name: SECRETS[1]! })

async function openRig(t: TestContext, change: (ports: ForgettingPorts) => Partial<ForgettingPorts> = () => ({})) {
  const folder = tmpDir(t)
  const clock = createManualClock()
  const random = (length: number) => randomBytes(length)
  const report = (error: unknown) => assert.fail(error as Error)
  const store = await openLevelStore({ path: join(folder, 'store'), clock })
  const { log, eraser, outbox, directory } = store
  const media = await createMediaStore({ clock, random, report }, { path: join(folder, 'media'), fileLimitBytes: 1e6 })
  const persons = new Persons({ directory, log, clock, random })
  const seqs: number[] = []
  const dropped: string[] = []
  const ports: ForgettingPorts = {
    ...{ log, eraser, outbox, directory, media, persons, clock, report },
    dropQueued: async conversation => void dropped.push(conversation),
    onForgotten: async (_, more) => void seqs.push(...more),
  }
  const forgettings = new Forgettings({ ...ports, ...change(ports) })
  t.after(async () => {
    await forgettings.close()
    await media.close()
    await store.close()
  })
  return { folder, clock, store, media, persons, ports, forgettings, seqs, dropped }
}

type Rig = Awaited<ReturnType<typeof openRig>>

/** Two contacts who are one person: each has said something, sent a file, and has an answer on its way. */
async function fillRig({ store, media, persons }: Rig): Promise<void> {
  for (const conversation of [TARGET, OTHER]) {
    const text = conversation === TARGET ? SECRETS[0]! : 'what stays'
    const contact = conversation === TARGET ? OUT : opening({ ...OUT, contact: 'stays', name: 'Stays' })
    const bytes = Buffer.from(`${conversation === TARGET ? SECRETS[3] : 'stays'} `.repeat(200))
    const file = await media.put({ conversation, uploader: 'x', declaredType: 'text/plain', bytes })
    await media.keep(conversation, file.media)
    await store.log.append(
      conversation,
      [
        message('m-1', text),
        { type: 'message', by: { role: 'contact' }, parts: [{ type: 'file', media: file.media, name: text }] },
        { type: 'note', by: SYSTEM, text },
        answer('ann', 'a-1', text),
      ],
      { opening: contact, platformKey: 'k-1' },
    )
  }
  const [a, b] = await Promise.all([store.log.head(TARGET), store.log.head(OTHER)])
  const { person, untold } = await persons.join(a!, b!)
  for (const { conversation } of untold) await store.log.append(conversation, [{ type: 'linked', by: SYSTEM, person }])
}

async function assertForgotten({ folder, store, ports }: Rig): Promise<void> {
  assert.deepEqual(filesWith(folder, SECRETS), [])
  assert.ok((await readAll(store.log, TARGET)).every(({ body }) => body.type === 'forgotten'))
  assert.deepEqual(await store.directory.list('forgetting/'), [])
  assert.equal((await store.directory.list('forgotten/')).length, 1)
  assert.deepEqual((await store.check({ deep: true })).findings, [])
  // The other one is whole.
  const head = await store.log.head(OTHER)
  assert.deepEqual([head?.contact, head?.name], ['stays', 'Stays'])
  assert.match(JSON.stringify((await readAll(store.log, OTHER)).map(({ body }) => body)), /what stays/)
  assert.equal((await ports.media.measure(OTHER, { upTo: Number.MAX_SAFE_INTEGER })).files, 1)
  assert.deepEqual(
    (await store.outbox.rows({ limit: 10 })).rows.map(row => row.conversation),
    [OTHER],
  )
}

test('a contact is forgotten: in the log, the files, the outbox and the person; a receipt says what', async t => {
  const rig = await openRig(t)
  await fillRig(rig)
  const { forgettings, store, folder, seqs, dropped } = rig
  assert.notDeepEqual(filesWith(join(folder, 'store'), SECRETS), [])
  const { others, ...holdings } = await forgettings.preview(TARGET)
  assert.deepEqual(
    others.map(({ conversation }) => conversation),
    [OTHER],
  )
  const expected = { conversation: TARGET, channel: 7, messages: 3, mediaFiles: 1, outbox: 1 }
  assert.deepEqual({ ...holdings, ...expected }, holdings)
  assert.ok(holdings.mediaBytes > 0)
  const { upTo, seq, sha256, ...receipt } = await forgettings.forget(TARGET)
  // One record more: that it was closed.
  assert.deepEqual({ ...receipt, ...expected, records: holdings.records + 1 }, receipt)
  assert.equal((await store.log.head(TARGET))?.n, upTo)
  assert.match(sha256, /^[0-9a-f]{64}$/)
  assert.doesNotMatch(JSON.stringify(receipt), /quartz/)
  assert.deepEqual(
    seqs,
    (await readAll(store.log, TARGET)).map(record => record.seq),
  )
  assert.equal(seqs.at(-1), seq)
  assert.deepEqual(dropped, [TARGET])
  assert.equal((await rig.persons.members((await store.log.head(OTHER))!.details.person!)).length, 1)
  await assertForgotten(rig)
  await assertRefused(forgettings.preview(TARGET), 'KEFU_CONVERSATION_NOT_FOUND')
})

test('what a contact writes and sends afterwards is new, and is not touched when the end comes late', async t => {
  let isLate = true
  const rig = await openRig(t, ({ eraser }) => ({
    eraser: {
      forget: what => eraser.forget(what),
      async expunge(...args: Parameters<EraserPort['expunge']>) {
        if (isLate) throw new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'the test wants it' })
        return eraser.expunge(...args)
      },
    },
  }))
  await fillRig(rig)
  const { forgettings, store, media, clock } = rig
  await assertRefused(forgettings.forget(TARGET), 'KEFU_STORE_UNAVAILABLE')
  assert.equal((await store.directory.list('forgetting/')).length, 1)
  clock.advance(10)
  await store.log.append(TARGET, [message('m-2', 'hello again')], { opening: opening({ ...OUT, contact: 'again' }) })
  const bytes = Buffer.from('new')
  const file = await media.put({ conversation: TARGET, uploader: 'x', declaredType: undefined, bytes })
  await media.keep(TARGET, file.media)
  isLate = false
  await forgettings.resume()
  await until('the end', async () => (await store.directory.list('forgetting/')).length === 0)
  const records = (await readAll(store.log, TARGET)).map(({ body }) => body.type)
  assert.deepEqual(records.slice(-3), ['forgotten', 'opened', 'message'])
  assert.equal((await store.log.head(TARGET))?.contact, 'again')
  assert.equal((await media.open(TARGET, file.media)).meta.sizeBytes, 3)
  assert.deepEqual(filesWith(rig.folder, SECRETS.slice(0, 1)), [])
})

for (const step of ['forget', 'expunge'] as const)
  test(`forgetting that was cut off at "${step}" goes on at the next start`, async t => {
    const rig = await openRig(t, ({ eraser }) => ({
      eraser: {
        forget: what => eraser.forget(what),
        expunge: (...args) => eraser.expunge(...args),
        [step]: () => Promise.reject(new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'the test wants it' })),
      },
    }))
    await fillRig(rig)
    await assertRefused(rig.forgettings.forget(TARGET), 'KEFU_STORE_UNAVAILABLE')
    const next = new Forgettings(rig.ports)
    await next.resume()
    await next.forget(TARGET).catch(error => assert.ok(isKefuError(error, 'KEFU_CONVERSATION_NOT_FOUND')))
    await assertForgotten(rig)
  })

test('who writes at the very moment is forgotten with it', async t => {
  let messages = 3
  const rig = await openRig(t, ({ eraser, log }) => ({
    eraser: {
      expunge: (...args) => eraser.expunge(...args),
      async forget(what) {
        if (messages-- > 0) await log.append(TARGET, [message(`late-${messages}`, SECRETS[0])])
        return eraser.forget(what)
      },
    },
  }))
  await fillRig(rig)
  const { upTo } = await rig.forgettings.forget(TARGET)
  assert.equal((await rig.store.log.head(TARGET))?.n, upTo)
  await assertForgotten(rig)
})

test('files go by name or by time, with their marks, and again without an error', async t => {
  const { media, folder, clock } = await openRig(t)
  const names: string[] = []
  for (const text of ['a', 'b', 'c']) {
    const bytes = Buffer.from(text)
    names.push((await media.put({ conversation: TARGET, uploader: 'x', declaredType: undefined, bytes })).media)
    clock.advance(5)
  }
  assert.deepEqual(await media.remove(TARGET, [names[0]!, '../../store']), { files: 1, bytes: await size(names[1]!) })
  assert.deepEqual((await media.remove(TARGET, { upTo: clock.now() - 6 })).files, 1)
  assert.equal(existsSync(join(folder, 'media', TARGET, names[2]!)), true)
  assert.deepEqual(readdirSync(join(folder, 'media', 'pending')).length, 1)
  assert.deepEqual(await media.remove(OTHER, { upTo: clock.now() }), { files: 0, bytes: 0 })

  async function size(name: string): Promise<number> {
    return (await media.measure(TARGET, [name])).bytes
  }
})
