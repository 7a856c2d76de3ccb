import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { AuditLog } from '../../../src/daemon/audit/log.js'
import type { AuditEntry } from '../../../src/daemon/core/audit.js'
import { KefuError } from '../../../src/errors.js'
import { type AuditRig, act, bound, openAuditRig } from './rig.js'

async function entriesOf(log: AuditLog, limit = 1_000): Promise<readonly AuditEntry[]> {
  return (await log.list({}, { limit })).entries
}

/** A log of some files, closed. */
async function written(rig: AuditRig, count: number, segmentBytes = 1_500): Promise<void> {
  const log = await rig.open({ segmentBytes })
  for (let i = 1; i <= count; i++) await log.record(act('channel.set', { target: `shop-${i}`, fields: { i } }))
  await log.close()
}

const refusedHere = { code: 'KEFU_AUDIT_UNAVAILABLE' }

describe('an audit log after a crash', () => {
  test('cuts off an unfinished line wherever it was torn, and notes that', async t => {
    const rig = openAuditRig(t)
    await written(rig, 3, 1 << 20)
    const [file] = await rig.lines()
    const line = file!.lines[2]!
    for (const torn of [line.slice(0, 1), line.slice(0, -1), line.slice(10), `\0\0\n${line.slice(0, 9)}`, '\n']) {
      const before = readFileSync(file!.path)
      appendFileSync(file!.path, torn)
      const log = await rig.open()
      const [entry] = await entriesOf(log)
      assert.deepEqual([entry!.action, entry!.fields], ['audit.repair', { bytes: Buffer.byteLength(torn) }])
      await log.close()
      assert.equal(readFileSync(file!.path).indexOf(before), 0)
      assert.deepEqual((await rig.verify()).findings, [])
    }
    assert.deepEqual(rig.reported, [])
  })

  test('counts what was written although the store did not get to know it', async t => {
    const rig = openAuditRig(t)
    const log = await rig.open()
    await log.record(act('team.add'))
    const head = (await rig.directory.get('audit/head'))!
    await log.record(act('team.set'))
    await log.close()
    const present = (await rig.directory.get('audit/head'))!
    await rig.directory.update('audit/head', head.value, present.revision)
    const again = await rig.open()
    assert.deepEqual(
      (await entriesOf(again)).map(({ action }) => action),
      ['team.set', 'team.add'],
    )
    await again.record(act('team.remove'))
    assert.deepEqual((await rig.verify()).findings, [])
    assert.deepEqual(rig.reported, [])
  })

  test('notes what was begun and nobody ended', async t => {
    const rig = openAuditRig(t)
    const log = await rig.open({ segmentBytes: 300 })
    await log.begin(act('channel.remove', { target: 'shop' }))
    const end = await log.begin(act('channel.add', { target: 'b' }))
    for (let i = 0; i < 5; i++) await log.record(act('team.add'))
    await end({ outcome: 'done' })
    await log.close()
    const again = await rig.open()
    const [newest, ...others] = await entriesOf(again)
    assert.deepEqual(
      [newest?.action, newest?.target, newest?.outcome, newest?.of],
      ['channel.remove', 'shop', 'unknown', 1],
    )
    assert.equal(others.filter(({ outcome }) => outcome === 'unknown').length, 0)
    await again.close()
    assert.equal((await entriesOf(await rig.open()))[0]!.n, newest!.n)
  })
})

describe('an audit log that cannot be written', () => {
  test('refuses, says so, and goes on when it can', async t => {
    const rig = openAuditRig(t)
    writeFileSync(rig.folder, 'no folder')
    const log = await rig.open()
    await assert.rejects(log.record(act('team.add')), refusedHere)
    await assert.rejects(log.begin(act('team.add')), refusedHere)
    assert.equal(rig.reported.length, 1)
    assert.match(log.warnings.join(), /cannot be used: ENOTDIR: .*refused/)
    await assert.rejects(log.list({}, { limit: 1 }), refusedHere)
    await assert.rejects(log.check(), refusedHere)
    rmSync(rig.folder)
    await log.record(act('team.set'))
    assert.deepEqual(log.warnings, [])
    assert.deepEqual(
      (await entriesOf(log)).map(({ n, action }) => [n, action]),
      [[1, 'team.set']],
    )
  })

  test('does not lose how something ended: it is written as soon as it can be', async t => {
    let fails = false
    const rig = openAuditRig(t, directory => ({
      ...bound(directory),
      update: (...call) => (fails ? Promise.reject(new KefuError('KEFU_STORE_FULL')) : directory.update(...call)),
    }))
    const log = await rig.open()
    await log.record(act('team.add'))
    const end = await log.begin(act('agent.add', { target: 'li' }))
    fails = true
    await end({ outcome: 'done' })
    await assert.rejects(log.begin(act('agent.add', { target: 'wang' })), refusedHere)
    fails = false
    await log.record(act('team.set'))
    const told = (await entriesOf(log)).map(({ action, target, outcome }) => `${action} ${target} ${outcome}`)
    assert.deepEqual(told.toSorted(), [
      'agent.add li done',
      'agent.add wang refused',
      'team.add undefined done',
      'team.set undefined done',
    ])
    assert.deepEqual((await rig.verify()).findings, [])
  })

  test('takes no more at once than it is bound to', async t => {
    const log = await openAuditRig(t).open()
    const begun = await Promise.allSettled(Array.from({ length: 120 }, () => log.begin(act('team.add'))))
    assert.equal(begun.filter(({ status }) => status === 'rejected').length, 24)
    await log.close()
    await assert.rejects(log.record(act('team.add')), refusedHere)
  })
})
