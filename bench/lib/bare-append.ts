import { Level } from 'level'
import { feedKey, headKey, KEY, placeValue, recordKey, textKey, textSeqKey } from '../../src/codec/keys.js'
import type { Latencies } from './latency.js'

/** What is appended, by a store and by the bare loop alike. */
export type AppendLoad = {
  readonly conversations: readonly Uint8Array[]
  readonly inFlight: number
  readonly records: number
  /** Bytes of a record, of a head and of a digest, as the store writes them. */
  readonly recordBytes: number
  readonly headBytes: number
  readonly owner: string
}

const BATCH_RECORDS = 1024
const SYNC = { sync: true } as const

/**
 * The same keys and as many bytes as the store writes, in chained batches, one on its way while the next is filled: a loop around LevelDB and nothing else.
 * Resolves with the milliseconds it took.
 */
export async function runBare(folder: string, load: AppendLoad, latencies: Latencies): Promise<number> {
  const db = new Level<Uint8Array, Uint8Array>(folder, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: 8 * 1024 * 1024,
    maxFileSize: 32 * 1024 * 1024,
    cacheSize: 32 * 1024 * 1024,
    maxOpenFiles: 512,
  })
  await db.open()
  const record = Buffer.alloc(load.recordBytes, 0x61)
  const head = Buffer.alloc(load.headBytes, 0x62)
  const fact = Buffer.alloc(24, 0x63)
  const digestKey = textKey(KEY.meta, `digest:inbox:${load.owner}`)
  const commitKey = textKey(KEY.meta, 'commit')
  const conversations = load.conversations.map(bytes => ({ bytes, n: 0, seq: 0, isTouched: false }))
  type Conversation = (typeof conversations)[number]

  let seq = 0
  let done = 0
  let begun: number[] = []
  let touched: Conversation[] = []
  let batch = db.batch()
  let waiting: number[] = []

  function put(startedAt: number): void {
    if (begun.length === BATCH_RECORDS) {
      waiting.push(startedAt)
      return
    }
    const conversation = conversations[seq % conversations.length]!
    seq++
    conversation.n++
    batch.put(recordKey(conversation.bytes, conversation.n), record)
    batch.put(feedKey(seq), placeValue(conversation.bytes, conversation.n))
    if (!conversation.isTouched) {
      conversation.isTouched = true
      touched.push(conversation)
    }
    begun.push(startedAt)
  }

  function seal(): void {
    for (const conversation of touched) {
      batch.put(headKey(conversation.bytes), head)
      if (conversation.seq > 0) batch.del(textSeqKey(KEY.inbox, load.owner, conversation.seq))
      conversation.seq = seq
      batch.put(textSeqKey(KEY.inbox, load.owner, seq), conversation.bytes)
      conversation.isTouched = false
    }
    touched = []
    batch.put(digestKey, fact)
    batch.put(commitKey, fact)
  }

  /** Writes what has been put, if anything: undefined otherwise. */
  function write(): Promise<void> | undefined {
    if (begun.length === 0) return undefined
    seal()
    flying = begun
    begun = []
    const writing = batch
    batch = db.batch()
    return writing.write(SYNC)
  }

  const startedAt = performance.now()
  let flying: number[] = []
  for (let i = 0; i < load.inFlight; i++) put(startedAt)
  let flight = write()
  while (done < load.records) {
    const rest = waiting
    waiting = []
    for (const at of rest) put(at)
    await flight
    const answered = flying
    flight = write()
    const now = performance.now()
    for (const at of answered) {
      latencies.record(now - at)
      done++
      put(now)
    }
    flight ??= write()
  }
  await flight
  const elapsedMs = performance.now() - startedAt
  await batch.close()
  await db.close()
  return elapsedMs
}
