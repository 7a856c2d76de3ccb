import { join } from 'node:path'
import { formatConversationId } from '../src/codec/conversation-id.js'
import { type IndexQuery, SEARCH_KINDS, type SearchDoc, type TextQuery } from '../src/daemon/core/search.js'
import { openSearchIndex, type SearchIndex } from '../src/daemon/search/index/search-index.js'
import { foldText } from '../src/daemon/search/query/fold.js'
import { readFlags } from './lib/arguments.js'
import { between, createChatText, createRandom, orderNumber, type Random } from './lib/chat-text.js'
import { type Fts5Question, runFts5 } from './lib/fts5.js'
import { progress, report } from './lib/report.js'
import { createScratch } from './lib/server.js'

/** The search index alone, in this thread: how fast it takes records, how large it gets, and how long searches take beside that. */

const flags = readFlags({
  docs: { type: 'number', default: 1_000_000, min: 1000, max: 20_000_000, doc: 'records' },
  queries: { type: 'number', default: 200, min: 10, max: 10_000, doc: 'searches of each class' },
  conversations: { type: 'number', default: 500, min: 1, max: 1_000_000, doc: 'conversations that are open at once' },
  sqlite: { type: 'switch', doc: "asks SQLite's FTS5 the same beside it (fetches a Node 24 the first time)" },
  seed: { type: 'number', default: 1, min: 1, max: 1_000_000, doc: 'of texts and queries' },
})

const BATCH = 512
const SAMPLES = 20_000
/** Hits of a page. */
const LIMIT = 20
/** Questions of each class that SQLite is asked, too: it takes long for some. */
const SQLITE_QUESTIONS = 20
const BUDGET_MS = 10_000

type Samples = {
  readonly texts: readonly string[]
  readonly common: readonly string[]
  readonly rare: readonly string[]
}

const scratch = createScratch()
try {
  const path = join(scratch.folder, 'index')
  const index = await openSearchIndex({ path })
  const samples: string[] = []
  const build = await fill(index, samples)
  progress(
    `${build.docsPerSecond} records/s, ${build.cpuUsPerDoc} µs of CPU each, index / text ${build.bytesPerTextByte}`,
  )
  await index.close()
  const startedAt = performance.now()
  const opened = await openSearchIndex({ path })
  const openMs = round(performance.now() - startedAt)
  const questions: Fts5Question[] = []
  const searches = await measure(opened, samplesOf(samples), questions)
  const turns = await measureTurns(opened, samplesOf(samples))
  const rssBytes = process.memoryUsage().rss
  await opened.close()
  const sqlite = flags.sqlite ? await besideSqlite(build.textBytes!, questions) : undefined
  report('search-index', flags, { build, openMs, searches, turns, rssBytes, ...(sqlite && { sqlite }) })
} finally {
  scratch.remove()
}

async function fill(index: SearchIndex, samples: string[]): Promise<Record<string, number>> {
  const nextDoc = createDocs()
  let [spentMs, cpuMs, longestMs, mostRss] = [0, 0, 0, 0]
  const every = Math.max(1, Math.floor(flags.docs / SAMPLES))
  for (let seq = 1; seq <= flags.docs; seq += BATCH) {
    const docs = Array.from({ length: Math.min(BATCH, flags.docs - seq + 1) }, (_, at) => nextDoc(seq + at))
    for (const doc of docs) if (doc.seq % every === 0) samples.push(doc.text)
    const [startedAt, before] = [performance.now(), process.cpuUsage()]
    index.add(docs, docs[docs.length - 1]!.seq)
    while (!index.hasRoom) await index.maintain(20)
    await index.maintain(0)
    const ms = performance.now() - startedAt
    longestMs = Math.max(longestMs, ms)
    spentMs += ms
    cpuMs += cpuSince(before)
    if (seq % (BATCH * 256) === 1) mostRss = Math.max(mostRss, process.memoryUsage().rss)
  }
  const [startedAt, before] = [performance.now(), process.cpuUsage()]
  while (await index.maintain(20));
  await index.flush()
  spentMs += performance.now() - startedAt
  cpuMs += cpuSince(before)
  const { bytes, textBytes, segments } = index.info()
  return {
    docsPerSecond: Math.round((flags.docs / spentMs) * 1000),
    cpuUsPerDoc: round((cpuMs / flags.docs) * 1000),
    bytes,
    textBytes,
    bytesPerTextByte: round(bytes / textBytes),
    segments,
    longestMs: round(longestMs),
    mostRssBytes: mostRss,
  }
}

function createDocs(): (seq: number) => SearchDoc {
  const random = createRandom(flags.seed)
  const text = createChatText(flags.seed)
  const id = (): SearchDoc['conversation'] =>
    formatConversationId(Uint8Array.from({ length: 16 }, () => random() * 256))
  const open = Array.from({ length: flags.conversations }, id)
  const agents = Array.from({ length: 40 }, (_, index) => `a_${index.toString(36).padStart(26, 'x')}`)
  let at = 1_750_000_000_000
  return seq => {
    const place = Math.floor(random() * open.length)
    // Conversations have 20 records on average.
    if (random() < 0.05) open[place] = id()
    const isOut = random() < 0.5
    at += between(random, 0, 40)
    return {
      seq,
      at,
      conversation: open[place]!,
      channel: 1 + Math.floor(random() * 4),
      direction: isOut ? 'out' : 'in',
      kinds: random() < 0.93 ? SEARCH_KINDS.text.bit : SEARCH_KINDS.image.bit,
      agent: isOut ? agents[place % agents.length]! : '',
      text: text(),
    }
  }
}

/** Words by how many of the samples have them. */
function samplesOf(texts: readonly string[]): Samples {
  const counts = new Map<string, number>()
  for (const text of texts) for (const pair of new Set(pairsOf(text))) counts.set(pair, (counts.get(pair) ?? 0) + 1)
  const ranked = [...counts].sort((one, other) => other[1] - one[1]).map(([pair]) => pair)
  return { texts, common: ranked.slice(0, 100), rare: ranked.slice(Math.floor(ranked.length / 2)) }
}

function pairsOf(text: string): string[] {
  return [...text.matchAll(/(?=([\u4e00-\u9fff]{2}))/g)].map(match => match[1]!)
}

async function measure(index: SearchIndex, samples: Samples, questions: Fts5Question[]): Promise<object> {
  const random = createRandom(flags.seed + 1)
  const classes: Readonly<Record<string, () => TextQuery | undefined>> = {
    'one character': () => literal(/[\u4e00-\u9fff]/.exec(pick(random, samples.texts))?.[0]),
    'two characters, common': () => literal(pick(random, samples.common)),
    'two characters, rare': () => literal(pick(random, samples.rare)),
    'two characters, of any text': () => {
      const pairs = pairsOf(pick(random, samples.texts))
      return pairs.length === 0 ? undefined : literal(pick(random, pairs))
    },
    'order number': () => literal(/\d{15,}/.exec(pick(random, samples.texts))?.[0]),
    'four digits': () => literal(/\d{15,}/.exec(pick(random, samples.texts))?.[0]?.slice(-4)),
    'four characters or more': () => {
      const run = /[\u4e00-\u9fff]{6,}/.exec(pick(random, samples.texts))?.[0]
      return literal(run?.slice(0, between(random, 4, 6)))
    },
    'english word': () => literal(/[a-z]{4,}/i.exec(pick(random, samples.texts))?.[0]),
    regex: () => ({ type: 'regex', source: `订单.{0,4}20\\d{6}${between(random, 1000, 9999)}` }),
    'no hit': () => literal(`${orderNumber(random)}${between(random, 10, 99)}x`),
  }
  const results: Record<string, object> = {}
  for (const [name, next] of Object.entries(classes)) {
    const times: number[] = []
    let hits = 0
    let asked = 0
    for (let tries = 0; times.length < flags.queries && tries < flags.queries * 100; tries++) {
      const text = next()
      if (text === undefined) continue
      const query: IndexQuery = { text, filter: {}, order: 'newest', limit: LIMIT }
      const startedAt = performance.now()
      const page = await index.search(query, BUDGET_MS)
      times.push(performance.now() - startedAt)
      hits += page.hits.length
      if (text.type === 'literal' && asked++ < SQLITE_QUESTIONS) questions.push({ name, text: text.text })
    }
    times.sort((one, other) => one - other)
    const at = (share: number): number => round(times[Math.floor((times.length - 1) * share)] ?? 0)
    results[name] = {
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      mostMs: at(1),
      meanHits: round(hits / times.length),
      searches: times.length,
    }
    progress(`${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${round(hits / times.length)} hits`)
  }
  return results
}

/** The same texts in SQLite's index, folded, and some of the same questions. */
async function besideSqlite(textBytes: number, questions: readonly Fts5Question[]): Promise<object> {
  progress('building the same with SQLite')
  const { answers, sqlite, docsPerSecond, bytes } = await runFts5(join(scratch.folder, 'sqlite'), folded(), questions)
  const searches = Object.fromEntries(
    [...new Set(questions.map(({ name }) => name))].map(name => {
      const times = answers.filter(answer => answer.name === name).map(({ ms }) => ms)
      times.sort((one, other) => one - other)
      const p50Ms = round(times[Math.floor((times.length - 1) / 2)]!)
      progress(`SQLite, ${name}: p50 ${p50Ms} ms, at most ${round(times.at(-1)!)} ms`)
      return [name, { p50Ms, mostMs: round(times.at(-1)!), searches: times.length }]
    }),
  )
  return { version: sqlite, docsPerSecond, bytesPerTextByte: round(bytes / textBytes), searches }
}

function* folded(): Generator<string, void, undefined> {
  const nextDoc = createDocs()
  for (let seq = 1; seq <= flags.docs; seq++) yield foldText(nextDoc(seq).text)
}

/** How long the thread has no turn for anything else while four searches that find little are under way. */
async function measureTurns(index: SearchIndex, { texts }: Samples): Promise<object> {
  const random = createRandom(flags.seed + 2)
  const gaps: number[] = []
  let [last, isOver] = [performance.now(), false]
  const tick = (): void => {
    const now = performance.now()
    gaps.push(now - last)
    last = now
    if (!isOver) setImmediate(tick)
  }
  setImmediate(tick)
  const search = async (): Promise<void> => {
    for (let round = 0; round < 10; round++) {
      const character = /[\u4e00-\u9fff]/.exec(pick(random, texts))?.[0] ?? '的'
      const text: TextQuery = { type: 'regex', source: `${character}.{3}[a-z]\\d+[a-z]{4}` }
      await index.search({ text, filter: {}, order: 'oldest', limit: LIMIT }, 500)
    }
  }
  await Promise.all([search(), search(), search(), search()])
  isOver = true
  gaps.sort((one, other) => one - other)
  return {
    p50Ms: round(gaps[Math.floor(gaps.length / 2)]!),
    p99Ms: round(gaps[Math.floor(gaps.length * 0.99)]!),
    mostMs: round(gaps.at(-1)!),
  }
}

function literal(text: string | undefined): TextQuery | undefined {
  return text === undefined || text === '' ? undefined : { type: 'literal', text: foldText(text) }
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
