import { closeSync, cpSync, openSync, readdirSync, readSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { formatConversationId } from '../../src/codec/conversation-id.js'
import { headKey, KEY, prefixEnd, recordKey } from '../../src/codec/keys.js'
import { START, type Store } from '../../src/daemon/core/ports.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { KefuError } from '../../src/errors.js'
import { answer, assigned, conversationId, message, opening, queued } from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'
import type { Random } from '../helpers/random.js'

/** A store on disk, damage to its files, and what readers answer afterwards. */

export const CONVERSATIONS = 60
const AGENTS = ['ann', 'bob', 'carl']
const LANE = 'ch:3'

/** A text for every question about a store: what is asked, and what the answer is when nothing is wrong. */
export type Answers = ReadonlyMap<string, string>

/** Writes about 3,000 records in 60 conversations, over several starts: several table files, and the last part in the write-ahead log only. */
export async function prepareStore(path: string, random: Random): Promise<void> {
  // Each start writes what the former session left in its log into a table file of its own; at four of them LevelDB would begin to put them together.
  const sessions = [18, 18, 12]
  for (const [session, rounds] of sessions.entries()) {
    const store = await openLevelStore({ path, clock: createManualClock() })
    for (let round = 0; round < rounds; round++) {
      await Promise.all(
        Array.from({ length: CONVERSATIONS }, (_, i) => append(store, i, `${session}-${round}`, random)),
      )
      await store.directory.create(`k/${session}/${round}`, { round })
    }
    await store.close()
  }
}

async function append({ log }: Store, i: number, key: string, random: Random): Promise<void> {
  const id = conversationId(i)
  const first = opening({
    channel: 1 + (i % 3),
    kind: i % 2 === 0 ? 'app' : 'web',
    egress: i % 3 === 2 ? 'outbox' : 'socket',
  })
  const agent = random.pick(AGENTS)
  const text = 'x'.repeat(random.integer(1, 300))
  const dice = random.integer(0, 9)
  if (dice === 0) await log.append(id, [assigned(agent)], { opening: first })
  else if (dice === 1) await log.append(id, [queued(random.integer(1, 1_000))], { opening: first })
  else if (dice === 2) await log.append(id, [answer(agent, key, text)], { id: key, opening: first })
  else await log.append(id, [message(key, text)], { id: key, opening: first })
}

/** Asks a store everything; errors are answers that begin with `!` and their code. Throws what is not a KefuError. */
export async function askStore(store: Store): Promise<Answers> {
  const answers = new Map<string, string>()
  const ask = async (question: string, work: () => Promise<unknown>) => {
    try {
      answers.set(question, JSON.stringify(await work()))
    } catch (error) {
      if (!(error instanceof KefuError)) throw error
      answers.set(question, `!${error.code} ${error.message}`)
    }
  }
  for (let i = 0; i < CONVERSATIONS; i++) {
    const id = conversationId(i)
    await ask(`head ${id}`, () => store.log.head(id))
    await ask(`read ${id}`, async () =>
      (await store.log.read(id, 0, 10_000)).map(({ n, seq, bytes }) => [n, seq, Buffer.from(bytes).toString('base64')]),
    )
  }
  for (const owner of [...AGENTS.map(agent => `a:${agent}`), 'ch:1', 'ch:2', 'ch:3'])
    await ask(`inbox ${owner}`, async () => {
      const { entries } = await store.view.inbox(owner, { after: START, limit: 1_000 })
      return entries.map(({ head, cursor }) => [head, cursor])
    })
  await ask('waiting', () => store.view.waiting(1_000))
  await ask('counts', async () => [...(await store.view.activeCounts())].sort())
  for (const agent of AGENTS) await ask(`active ${agent}`, () => store.view.active(agent, 1_000))
  await ask('directory', () => store.directory.list(''))
  await ask('outbox', () => store.outbox.rows({ lane: LANE, limit: 10_000 }))
  return answers
}

/** The same about conversations, from LevelDB alone: whatever it returns is taken for the truth. */
export async function askRaw(path: string): Promise<Answers> {
  const db = new Level<Uint8Array, Uint8Array>(join(path, 'level'), { keyEncoding: 'view', valueEncoding: 'view' })
  const answers = new Map<string, string>()
  try {
    await db.open()
  } catch {
    return answers
  }
  for (let i = 0; i < CONVERSATIONS; i++) {
    const id = conversationId(i)
    const bytes = idBytes(i)
    try {
      const head = (await db.get(headKey(bytes))) as Uint8Array | undefined
      answers.set(`head ${id}`, Buffer.from(head ?? []).toString('base64'))
      const values: string[] = []
      for await (const [key, value] of db.iterator({
        gte: recordKey(bytes, 0),
        lt: prefixEnd(Buffer.concat([Uint8Array.of(KEY.record), bytes])),
      }))
        values.push(`${Buffer.from(key).toString('base64')} ${Buffer.from(value).toString('base64')}`)
      answers.set(`read ${id}`, values.join('\n'))
    } catch {
      answers.set(`head ${id}`, '!error')
      answers.set(`read ${id}`, '!error')
    }
  }
  await db.close()
  return answers
}

function idBytes(i: number): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(Math.imul(i + 1, 0x9e3779b1) >>> 0, 0)
  bytes.writeUInt32BE(i, 12)
  if (formatConversationId(bytes) !== conversationId(i)) throw new Error('ids differ')
  return bytes
}

/** Copies a store and damages one of its files; what was done. */
export function damageCopy(from: string, to: string, random: Random): string {
  cpSync(from, to, { recursive: true })
  const files = [join(to, 'acknowledged'), ...readdirSync(join(to, 'level')).map(name => join(to, 'level', name))]
  const candidates = files.filter(file => statSync(file).size > 0)
  // By size, as decay strikes; every fifth in any file, so that the small ones have their turn.
  const total = candidates.reduce((sum, file) => sum + statSync(file).size, 0)
  let at = random.integer(0, total - 1)
  let file = random.pick(candidates)
  if (random.next() < 0.8) {
    for (const candidate of candidates) {
      file = candidate
      if (at < statSync(candidate).size) break
      at -= statSync(candidate).size
    }
  }
  const { size } = statSync(file)
  const name = file.slice(to.length + 1)
  const offset = random.integer(0, size - 1)
  const dice = random.next()
  if (dice < 0.6) {
    const bit = random.integer(0, 7)
    overwrite(
      file,
      offset,
      bytes => {
        bytes[0]! ^= 1 << bit
      },
      1,
    )
    return `bit ${bit} of byte ${offset} of ${size} in ${name}`
  }
  if (dice < 0.8) {
    truncateSync(file, offset)
    return `${name} cut to ${offset} of ${size} bytes`
  }
  const block = Math.min(4096, size - offset)
  overwrite(file, offset, bytes => bytes.fill(0), block)
  return `${block} zeros at ${offset} of ${size} in ${name}`
}

function overwrite(path: string, offset: number, change: (bytes: Buffer) => void, length: number): void {
  const file = openSync(path, 'r+')
  try {
    const bytes = Buffer.alloc(length)
    readSync(file, bytes, 0, length, offset)
    change(bytes)
    writeSync(file, bytes, 0, length, offset)
  } finally {
    closeSync(file)
  }
}

/** What became of the answers of a damaged store. */
export type Verdict = 'harmless' | 'detected' | 'announced' | 'silent'

/**
 * Judges a store's answers. `announced`: some are the answers of an earlier moment, and the store has said so: its state is `damaged` and names the
 * positions of every record that they lack.
 */
export async function judge(
  store: Store,
  answers: Answers,
  truth: Answers,
): Promise<{ verdict: Verdict; wrong: string[] }> {
  const { state, damage } = await store.info()
  const named = new Set(damage.map(finding => finding.seq))
  let verdict: Verdict = state === 'ready' ? 'harmless' : 'detected'
  const wrong: string[] = []
  for (const [question, right] of truth) {
    const given = answers.get(question)
    if (given === right) continue
    if (given?.startsWith('!KEFU_') === true) {
      if (verdict === 'harmless') verdict = 'detected'
    } else if (state === 'damaged' && isExplained(question, given ?? '', right, named)) {
      verdict = 'announced'
    } else wrong.push(question)
  }
  return { verdict: wrong.length > 0 ? 'silent' : verdict, wrong }
}

/** Whether everything that an answer lacks was named as lost. */
function isExplained(question: string, given: string, right: string, named: ReadonlySet<number | undefined>): boolean {
  if (!question.startsWith('read ')) return named.size > 0
  const [has, had] = [JSON.parse(given), JSON.parse(right)] as [number, number, string][][]
  if (JSON.stringify(had!.slice(0, has!.length)) !== given) return false
  return had!.slice(has!.length).every(([, seq]) => named.has(seq))
}

/** Opens a damaged store, asks it everything, and judges. */
export async function tryStore(
  path: string,
  truth: Answers,
): Promise<{ verdict: Verdict; wrong: string[]; error?: string }> {
  let store: Store
  try {
    store = await openLevelStore({ path, clock: createManualClock() })
  } catch (error) {
    if (!(error instanceof KefuError)) throw error
    return { verdict: 'detected', wrong: [], error: error.message }
  }
  try {
    return await judge(store, await askStore(store), truth)
  } finally {
    await store.close()
  }
}
