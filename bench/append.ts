import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConversationId, formatConversationId } from '../src/codec/conversation-id.js'
import { packRecord } from '../src/codec/record.js'
import { agentOwner, reduce } from '../src/daemon/core/conversation.js'
import type { Head } from '../src/daemon/core/model.js'
import type { Clock } from '../src/daemon/core/ports.js'
import { NO_DEPARTURES } from '../src/daemon/core/projection.js'
import type { MessageRecordBody, OpenedBody } from '../src/daemon/core/records.js'
import { encodeHead } from '../src/daemon/store/level/head-value.js'
import { openLevelStore } from '../src/daemon/store/level/open.js'
import { readFlags } from './lib/arguments.js'
import { type AppendLoad, runBare } from './lib/bare-append.js'
import { createLatencies, type Latencies, median, round } from './lib/latency.js'
import { progress, report } from './lib/report.js'

/** Durable appends a second through the log port, beside a bare loop of chained batches with the same keys and bytes. Rounds alternate. Prints one JSON document. */

const flags = readFlags({
  conversations: { type: 'number', default: 1_000, min: 1, max: 1_000_000, doc: 'conversations, written to in turn' },
  'in-flight': {
    type: 'number',
    default: 2_048,
    min: 1,
    max: 65_536,
    doc: 'appends that wait for the disk at any moment',
  },
  bytes: { type: 'number', default: 120, min: 1, max: 10_000, doc: 'bytes of text in a message' },
  records: { type: 'number', default: 100_000, min: 1_000, max: 10_000_000, doc: 'appends in a round' },
  rounds: { type: 'number', default: 5, min: 1, max: 50, doc: 'rounds of each' },
})

const AGENT = 'a_bench'
const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
const text = 'x'.repeat(flags.bytes)
const opening: OpenedBody = {
  type: 'opened',
  channel: 1,
  kind: 'web',
  egress: 'socket',
  contact: 'bench',
  name: 'Bench',
}
const conversations = Array.from({ length: flags.conversations }, (_, i) => {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(Math.imul(i + 1, 0x9e3779b1) >>> 0, 0)
  bytes.writeUInt32BE(i, 12)
  return bytes
})
const ids = conversations.map(formatConversationId)
const load: AppendLoad = {
  conversations,
  inFlight: flags['in-flight'],
  records: flags.records,
  recordBytes: packRecord(message(0)).length,
  headBytes: headBytes(),
  owner: agentOwner(AGENT),
}

const rates: { readonly store: number; readonly bare: number }[] = []
const latencies = { store: createLatencies(), bare: createLatencies() }
let recordsPerCommit = 0
const cpuUs = { store: [] as number[], bare: [] as number[] }
for (let i = 0; i < flags.rounds; i++) {
  const bare = await inFolder(folder => metered(cpuUs.bare, () => runBare(folder, load, latencies.bare)))
  const store = await inFolder(folder => metered(cpuUs.store, () => runStore(folder, latencies.store)))
  rates.push({ bare: Math.round((flags.records / bare) * 1000), store: Math.round((flags.records / store) * 1000) })
  progress(`round ${i + 1}: store ${rates[i]!.store}, bare ${rates[i]!.bare} records/s`)
}

report('append', flags, {
  recordsPerSecond: { store: median(rates.map(rate => rate.store)), bare: median(rates.map(rate => rate.bare)) },
  // Of rounds that ran one after the other: the machine's mood is in both.
  ratio: round(median(rates.map(({ store, bare }) => store / bare)), 3),
  recordsPerCommit: Math.round(recordsPerCommit),
  // User and system time of all threads; the store's contains the client loop and the opening of its conversations.
  cpuUsPerRecord: { store: round(median(cpuUs.store)), bare: round(median(cpuUs.bare)) },
  latencyMs: { store: latencies.store.summary(), bare: latencies.bare.summary() },
  rounds: rates,
})

async function runStore(folder: string, collected: Latencies): Promise<number> {
  const store = await openLevelStore({ path: join(folder, 'store'), clock })
  for (let i = 0; i < ids.length; i += 4_096)
    await Promise.all(
      ids.slice(i, i + 4_096).map(id =>
        store.log.append(id, [{ type: 'assigned', by: { role: 'system' }, agent: AGENT, name: 'A', reasons: [] }], {
          opening,
        }),
      ),
    )
  const before = await store.info()
  let next = 0
  let done = 0
  const startedAt = performance.now()
  const caller = async () => {
    while (done < flags.records) {
      const i = next++
      const body = message(i)
      const begun = performance.now()
      await store.log.append(ids[i % ids.length]!, [body], { id: body.id! })
      collected.record(performance.now() - begun)
      done++
    }
  }
  await Promise.all(Array.from({ length: flags['in-flight'] }, caller))
  const elapsedMs = (performance.now() - startedAt) * (flags.records / done)
  const after = await store.info()
  recordsPerCommit = (after.committedRecords - before.committedRecords) / (after.commits - before.commits)
  await store.close()
  return elapsedMs
}

function message(i: number): MessageRecordBody {
  return {
    type: 'message',
    by: { role: 'contact' },
    id: `m_${String(i).padStart(24, '0')}`,
    parts: [{ type: 'text', text }],
  }
}

/** Bytes of a head in the middle of a round. */
function headBytes(): number {
  const id = ids[0] as ConversationId
  const opened: Head = reduce(id, null, { flags: 0, n: 1, seq: 1, prev: 0, at: Date.now() }, opening)
  const head: Head = { ...opened, state: 'active', agent: AGENT, waitingSince: undefined, seq: flags.records }
  return encodeHead({ head, departures: NO_DEPARTURES, windowN: 32 }, 0).length
}

/** Notes the CPU time per record of a round. */
async function metered<T>(into: number[], work: () => Promise<T>): Promise<T> {
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  into.push((user + system) / flags.records)
  return result
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kefu-bench-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
