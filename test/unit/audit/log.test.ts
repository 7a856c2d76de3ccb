import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { AuditLog } from '../../../src/daemon/audit/log.js'
import type { AuditEntry, AuditFilter } from '../../../src/daemon/core/audit.js'
import { type AuditRig, act, bound, OPERATOR, openAuditRig } from './rig.js'

async function entriesOf(log: AuditLog, limit = 1_000): Promise<readonly AuditEntry[]> {
  return (await log.list({}, { limit })).entries
}

/** A log of some files, closed. */
async function written(rig: AuditRig, count: number, segmentBytes = 1_500): Promise<void> {
  const log = await rig.open({ segmentBytes })
  for (let i = 1; i <= count; i++) await log.record(act('channel.set', { target: `shop-${i}`, fields: { i } }))
  await log.close()
}

describe('the audit log', () => {
  test('says who did what when and what came of it, the latest first', async t => {
    const rig = openAuditRig(t)
    const log = await rig.open()
    await log.record(act('channel.add', { target: 'shop', fields: { kind: 'web', origins: ['https://a.example'] } }))
    rig.clock.advance(1_000)
    const end = await log.begin(act('agent.remove', { target: 'li' }))
    rig.clock.advance(500)
    await end({ outcome: 'refused', code: 'KEFU_AGENT_BUSY' })
    const at = rig.clock.now()
    assert.deepEqual(await entriesOf(log), [
      {
        n: 3,
        at,
        action: 'agent.remove',
        by: OPERATOR,
        target: 'li',
        outcome: 'refused',
        code: 'KEFU_AGENT_BUSY',
        of: 2,
      },
      {
        n: 1,
        at: at - 1_500,
        action: 'channel.add',
        by: OPERATOR,
        target: 'shop',
        fields: { kind: 'web', origins: ['https://a.example'] },
        outcome: 'done',
      },
    ])
  })

  test('shows what has begun while it is not over', async t => {
    const log = await openAuditRig(t).open()
    const end = await log.begin(act('history.forget', { target: 'c_1' }))
    assert.deepEqual(
      (await entriesOf(log)).map(({ n, outcome }) => [n, outcome]),
      [[1, 'begun']],
    )
    await end({ outcome: 'done', fields: { records: 3 } })
    assert.deepEqual(
      (await entriesOf(log)).map(({ n, outcome, fields }) => [n, outcome, fields]),
      [[2, 'done', { records: 3 }]],
    )
  })

  test('a line is JSON, and names the hash of the line before: sha256sum tells the same', async t => {
    const rig = openAuditRig(t)
    await written(rig, 3, 1 << 20)
    const [file] = await rig.lines()
    let previous = '0'.repeat(64)
    for (const line of file!.lines) {
      const json = JSON.parse(line) as { hash: string; previous: string }
      assert.equal(json.previous, previous)
      assert.equal(json.hash, createHash('sha256').update(line.slice(75, -1)).digest('hex'))
      previous = json.hash
    }
    assert.equal(statSync(rig.folder).mode & 0o777, 0o700)
    assert.equal(statSync(file!.path).mode & 0o777, 0o600)
  })

  test('files of bounded size follow each other, and the log goes on after a restart', async t => {
    const rig = openAuditRig(t)
    await written(rig, 20)
    await written(rig, 20)
    const files = await rig.lines()
    assert.ok(files.length > 4)
    for (const { lines } of files) assert.ok(lines.length <= 7)
    assert.deepEqual(await rig.verify(), { entries: 40, findings: [], moreFindings: 0 })
    const log = await rig.open()
    assert.deepEqual(await log.check(), await rig.verify())
    assert.deepEqual(
      (await entriesOf(log)).map(({ n }) => n),
      Array.from({ length: 40 }, (_, i) => 40 - i),
    )
    assert.deepEqual(rig.reported, [])
  })

  test('entries of one moment share a batch, in the order of the calls', async t => {
    let saves = 0
    const rig = openAuditRig(t, directory => ({
      ...bound(directory),
      create: (...call) => {
        saves++
        return directory.create(...call)
      },
      update: (...call) => {
        saves++
        return directory.update(...call)
      },
    }))
    const log = await rig.open()
    await Promise.all(Array.from({ length: 50 }, (_, i) => log.record(act('queue.command', { fields: { i } }))))
    assert.ok(saves <= 2, `${saves}`)
    assert.deepEqual(
      (await entriesOf(log)).map(({ fields }) => fields?.i),
      Array.from({ length: 50 }, (_, i) => 49 - i),
    )
  })

  test('what is too long is cut, and says so', async t => {
    const log = await openAuditRig(t).open()
    const long = '长'.repeat(5_000)
    await log.record(
      act(long, {
        target: `${long}\ud800`,
        by: { kind: 'operator', user: long },
        fields: { [long]: long, many: Array<string>(500).fill(long) },
      }),
    )
    const [entry] = await entriesOf(log)
    assert.equal(entry!.target, `${'长'.repeat(200)}…`)
    assert.deepEqual(entry!.fields, { cut: true })
    await log.record(act('x.y', { fields: { text: long, many: Array<string>(100).fill('a\u0000\n"') } }))
    const [second] = await entriesOf(log)
    assert.equal((second!.fields!.many as string[]).length, 65)
    assert.equal(second!.fields!.text, `${'长'.repeat(200)}…`)
  })

  test('pages and filters', async t => {
    const rig = openAuditRig(t)
    const log = await rig.open({ segmentBytes: 1_000 })
    const start = rig.clock.now()
    for (let i = 1; i <= 30; i++) {
      const by = i % 3 === 0 ? ({ kind: 'agent', id: 'a_1', token: 'abc' } as const) : OPERATOR
      await log.record({ action: i % 2 === 0 ? 'channel.set' : 'channels.odd', by })
      rig.clock.advance(1_000)
    }
    const list = async (filter: AuditFilter, range = {}) =>
      (await log.list(filter, { limit: 100, ...range })).entries.map(({ n }) => n)
    assert.deepEqual(await list({ action: 'channel' }), [30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2])
    assert.deepEqual(await list({ action: 'channel.se' }), [])
    for (const by of ['agent', 'a_1', 'abc'])
      assert.deepEqual(await list({ by, action: 'channel.set' }), [30, 24, 18, 12, 6])
    for (const by of ['1000', 'li']) assert.equal((await list({ by })).length, 20)
    assert.deepEqual(await list({ since: start + 5_000, until: start + 7_000 }), [7, 6])
    assert.deepEqual(await list({}, { after: 27 }), [30, 29, 28])
    const first = await log.list({ action: 'channel' }, { limit: 2 })
    assert.deepEqual([first.entries.map(({ n }) => n), first.next], [[30, 28], 28])
    assert.deepEqual(await list({ action: 'channel' }, { before: 28, limit: 2 }), [26, 24])
    const all = await log.list({}, { limit: 30 })
    assert.equal(all.next, undefined)
  })
})

describe('what was done to an audit log is found', () => {
  test('any byte that is flipped, with the entry that it is in', async t => {
    const rig = openAuditRig(t)
    await written(rig, 12)
    const files = await rig.lines()
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, where, mask) => {
        const { path } = files[which % files.length]!
        const original = readFileSync(path)
        const changed = Buffer.from(original)
        const at = where % changed.length
        changed[at]! ^= mask
        writeFileSync(path, changed)
        const { findings } = await rig.verify()
        writeFileSync(path, original)
        const line = original.subarray(0, at).filter(byte => byte === 0x0a).length
        const n = Number(/audit-0*(\d+)/.exec(path)![1]) + line
        assert.ok(findings.length > 0)
        assert.ok(
          findings.some(finding => Math.abs(finding.n - n) <= 1),
          `${n}: ${JSON.stringify(findings)}`,
        )
      }),
      { numRuns: 150 },
    )
    assert.deepEqual((await rig.verify()).findings, [])
  })

  test('a line that was removed, repeated, swapped, made anew, or cut off', async t => {
    const rig = openAuditRig(t)
    await written(rig, 9, 1 << 20)
    const [{ path, lines } = { path: '', lines: [] }] = await rig.lines()
    const after = async (changed: readonly string[]): Promise<string[]> => {
      writeFileSync(path, changed.join(''))
      return (await rig.verify()).findings.map(({ message }) => message)
    }
    assert.deepEqual(await after(lines.toSpliced(3, 1)), ['entry 4 is missing'])
    assert.deepEqual(await after(lines.toSpliced(0, 2)), ['entries 1 to 2 are missing'])
    assert.deepEqual(await after(lines.toSpliced(3, 0, lines[3]!)), [
      'entry 4 stands where entry 5 should be, in audit-000000000001.jsonl',
    ])
    const swapped = await after(lines.toSpliced(3, 2, lines[4]!, lines[3]!))
    assert.match(swapped.join('\n'), /entry 4 is missing\nentry 4 stands where entry 6 should be/)
    // Whoever makes a line anew can make its own hash, and not the one that the next line names.
    const rest = lines[4]!.slice(75, -1).replace('shop-5', 'shop-0')
    const forged = `{"hash":"${createHash('sha256').update(rest).digest('hex')}",${rest}\n`
    assert.match((await after(lines.with(4, forged))).join(), /^entry 5 or 6 was replaced/)
    const lastRest = lines[8]!.slice(75, -1).replace('shop-9', 'shop-0')
    const last = `{"hash":"${createHash('sha256').update(lastRest).digest('hex')}",${lastRest}\n`
    assert.deepEqual(await after(lines.with(8, last)), ['entry 9 is not the one that the store knows'])
    assert.deepEqual(await after(lines.slice(0, 7)), ['entries 8 to 9 are missing'])
    assert.deepEqual(await after([]), ['entries 1 to 9 are missing'])
    assert.deepEqual(await after([lines.join('').slice(0, -1)]), ['entry 9 is missing'])
    assert.deepEqual(await after(lines), [])
  })

  test('a file that is gone, and a log that is gone', async t => {
    const rig = openAuditRig(t)
    await written(rig, 20)
    const files = await rig.lines()
    const middle = readFileSync(files[1]!.path)
    rmSync(files[1]!.path)
    assert.match((await rig.verify()).findings[0]!.message, /^entries \d+ to \d+ are missing$/)
    writeFileSync(files[1]!.path, middle)
    rmSync(rig.folder, { recursive: true })
    assert.deepEqual((await rig.verify()).findings, [{ n: 1, message: 'entries 1 to 20 are missing' }])
  })

  test('at the start: it is noted and reported, the log goes on behind it, and verifying keeps finding it', async t => {
    for (const damage of [
      (_: AuditRig, path: string) => truncateSync(path, 400),
      (rig: AuditRig) => rmSync(rig.folder, { recursive: true }),
      (_: AuditRig, path: string) => {
        const bytes = readFileSync(path)
        bytes[bytes.length - 20]! ^= 1
        writeFileSync(path, bytes)
      },
    ]) {
      const rig = openAuditRig(t)
      await written(rig, 6, 1 << 20)
      const [file] = await rig.lines()
      damage(rig, file!.path)
      const log = await rig.open()
      assert.equal(rig.reported.length, 1)
      assert.match(log.warnings.join(), /not as it was left.*kefu audit verify/)
      await log.record(act('team.add'))
      const [newest, noted] = await entriesOf(log)
      assert.deepEqual([newest?.n, newest?.action, noted?.n, noted?.action], [8, 'team.add', 7, 'audit.damage'])
      await log.close()
      // Once is enough.
      assert.deepEqual((await rig.open()).warnings, [])
      const { findings } = await rig.verify()
      assert.ok(findings.length >= 1)
      assert.match(findings.map(({ message }) => message).join('\n'), /noted at 2026/)
    }
  })

  test('while it is open, too: nothing is written into a file that is gone', async t => {
    const rig = openAuditRig(t)
    const log = await rig.open()
    await log.record(act('team.add'))
    rmSync(rig.folder, { recursive: true })
    await log.record(act('team.set'))
    assert.ok(existsSync(rig.folder))
    assert.deepEqual(
      (await entriesOf(log)).map(({ n, action }) => [n, action]),
      [
        [3, 'team.set'],
        [2, 'audit.damage'],
      ],
    )
    assert.equal(rig.reported.length, 1)
  })
})
