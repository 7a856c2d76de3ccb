import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { isKefuError, KefuError } from '../../errors.js'
import type { DocFilter, IndexPage, IndexQuery, SearchDoc, TextQuery } from '../core/search.js'
import { type BatchRecord, type RecordBatch, unpackBatch } from './batch.js'
import { openSearchIndex, type SearchIndex } from './index/search-index.js'
import {
  type Answers,
  type Ask,
  type FoundLine,
  type FromThread,
  failureOf,
  type IndexState,
  type ThreadData,
  type ToThread,
} from './protocol.js'
import { compileDocTest } from './query/brute.js'
import { docOf } from './query/doc.js'
import { createHighlighter } from './query/highlight.js'

/** How the thread is spoken to. */
export type HostPort = {
  on(event: 'message', listener: (message: ToThread) => void): unknown
  postMessage(message: FromThread): void
  close(): void
}

/** A step of writing and merging, between which the feed goes on. */
const MAINTAIN_MS = 20
const OWNER_ONLY_FOLDER = 0o700

/**
 * Serves an index to the main thread. What is fed is added in order, and a question is answered with everything that was fed before it; questions do not wait for
 * each other, nor for segments that are written meanwhile. An index that cannot be read, or that is of another log, is thrown away: it is built anew from the log.
 */
export async function serveSearch(port: HostPort, { path, origin }: ThreadData): Promise<void> {
  const place = { index: join(path, 'index'), origin: join(path, 'origin') }
  await mkdir(path, { recursive: true, mode: OWNER_ONLY_FOLDER })
  const discarded = await otherLog(place.origin, origin)
  if (discarded !== undefined) await discard(place)
  let index = await openSearchIndex({ path: place.index })
  /** Feeding, and what puts another index in place, one after the other. */
  let turn: Promise<void> = Promise.resolve()
  let step: Promise<boolean> | undefined
  let isMaintaining = false
  let isReplacing = false
  const running = new Set<Promise<void>>()

  const stateOf = (): IndexState => {
    const { docs, segments, bytes } = index.info()
    return { indexedSeq: index.indexedSeq, docs, segments, bytes }
  }
  const maintainOnce = (): Promise<boolean> => {
    step ??= index.maintain(MAINTAIN_MS).finally(() => {
      step = undefined
    })
    return step
  }
  const maintain = async (): Promise<void> => {
    if (isMaintaining) return
    isMaintaining = true
    try {
      while (!isReplacing && (await maintainOnce())) await immediate()
      port.postMessage({ type: 'maintained', state: stateOf() })
    } finally {
      isMaintaining = false
    }
  }
  const feed = async ({ batch, upTo, origin }: Extract<ToThread, { type: 'feed' }>): Promise<void> => {
    if (origin !== undefined) await writeFile(place.origin, origin)
    const docs = docsOf(batch)
    await unlessDamaged(port, async () => {
      while (!index.hasRoom) await maintainOnce()
      index.add(docs, upTo)
    })
    port.postMessage({ type: 'fed', bytes: batch.bytes.length, state: stateOf() })
    // What it throws but damage ends the thread, which then begins anew.
    void unlessDamaged(port, maintain)
  }
  const replace = async (isEnd: boolean): Promise<void> => {
    isReplacing = true
    await Promise.allSettled([...running, step])
    if (isEnd) await index.flush()
    await index.close()
    if (isEnd) return
    await discard(place)
    index = await openSearchIndex({ path: place.index })
    isReplacing = false
  }
  const answer = async (id: number, work: () => Promise<unknown>): Promise<void> => {
    try {
      port.postMessage({ type: 'answer', id, value: await work() })
    } catch (error) {
      port.postMessage({ type: 'failed', id, failure: failureOf(error) })
    }
  }

  port.on('message', message => {
    if (message.type === 'feed') {
      turn = turn.then(() => feed(message))
      return
    }
    const { id, ask } = message
    if (ask.type === 'reset' || ask.type === 'close') {
      turn = turn.then(async () => {
        const work = replace(ask.type === 'close')
        await answer(id, () => work)
        if (ask.type === 'close') port.close()
        // There may be no index any more: then the thread ends.
        else await work
      })
      return
    }
    void turn.then(() => {
      const work = answer(id, () => answerFrom(index, ask)).finally(() => running.delete(work))
      running.add(work)
    })
  })
  const reason = discarded ?? index.info().damage
  port.postMessage({ type: 'open', state: stateOf(), ...(reason !== undefined && { discarded: reason }) })
}

type Place = { readonly index: string; readonly origin: string }

/** Why an index is of no use for this log; undefined when it may be of it. */
async function otherLog(file: string, origin: string | undefined): Promise<string | undefined> {
  const known = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  return known === undefined || known === origin ? undefined : 'it is of another log'
}

async function discard({ index, origin }: Place): Promise<void> {
  await rm(index, { recursive: true, force: true })
  await rm(origin, { force: true })
}

/** What it results in; damage is told, and the main thread begins anew. */
async function unlessDamaged(port: HostPort, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!isKefuError(error, 'KEFU_SEARCH_DAMAGED')) throw error
    port.postMessage({ type: 'damaged', failure: failureOf(error) })
  }
}

type Question = Exclude<Ask, { type: 'reset' | 'close' }>

async function answerFrom(index: SearchIndex, ask: Question): Promise<Answers[Question['type']]> {
  const { indexedSeq } = index
  switch (ask.type) {
    case 'search':
      return upTo(indexedSeq, ask.query, await index.search(ask.query, ask.budgetMs))
    case 'count':
      return { ...(await index.count(ask.query, ask.budgetMs)), indexedSeq }
    case 'find':
      return find(ask.batch, ask.text, ask.filter)
    case 'tally':
      return docsOf(ask.batch).filter(compileDocTest(ask.text, ask.filter)).length
    case 'remove':
      return void (await index.remove(ask.seqs))
    default:
      throw new KefuError('KEFU_INTERNAL', { reason: `unknown question ${ask satisfies never}` })
  }
}

/** What has come since the question was asked may be among the hits: whoever asked goes on behind `indexedSeq`, and would have it twice. */
function upTo(indexedSeq: number, { order }: IndexQuery, { hits, next }: IndexPage): Answers['search'] {
  if (order === 'newest') return next === undefined ? { hits, indexedSeq } : { hits, next, indexedSeq }
  const known = hits.filter(({ seq }) => seq <= indexedSeq)
  return next === undefined || next >= indexedSeq ? { hits: known, indexedSeq } : { hits: known, next, indexedSeq }
}

function docsOf(batch: RecordBatch): SearchDoc[] {
  return unpackBatch(batch).flatMap(({ record, channel }) => docOf(record, { channel }) ?? [])
}

function find(batch: RecordBatch, text: TextQuery, filter: DocFilter): FoundLine[] {
  const isHit = compileDocTest(text, filter)
  const marksIn = createHighlighter(text)
  return unpackBatch(batch).flatMap(sent => {
    const doc = docOf(sent.record, sent)
    return doc !== undefined && isHit(doc) ? [lineOf(doc, sent, marksIn(doc.text))] : []
  })
}

function lineOf(doc: SearchDoc, { record }: BatchRecord, marks: FoundLine['marks']): FoundLine {
  const { seq, at, conversation, channel, direction, kinds, text } = doc
  const { n, body } = record
  const by = 'by' in body ? body.by : { role: 'system' as const }
  return { seq, at, conversation, channel, direction, kinds, text, n, by, marks }
}
