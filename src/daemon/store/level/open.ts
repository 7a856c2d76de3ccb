import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'
import { formatCursor, parseCursor } from '../../core/cursor.js'
import type { Head } from '../../core/model.js'
import type { Cursor, LogEntry, LogPort, Store, StoreFinding, StoreInfo } from '../../core/ports.js'
import { createBus } from '../bus.js'
import { SILENT, STORE_LIMITS, type StoreOptions } from '../options.js'
import { AcknowledgedFile } from './acknowledged.js'
import { checkStore } from './check.js'
import type { Commit } from './commit.js'
import { createIfMissing, removeUnfinished, storePaths } from './create.js'
import { Database, type OpenHandle, openHandle } from './database.js'
import { Digests } from './digests.js'
import { Directory } from './directory.js'
import { Eraser } from './eraser.js'
import { damaged, openFailure } from './failure.js'
import { putFact, STORE_FORMAT } from './format.js'
import { type Inspection, inspect } from './inspect.js'
import { LiveFeed } from './live-feed.js'
import { ConversationLoader } from './loader.js'
import { Outbox } from './outbox.js'
import { PlatformKeys } from './platform-keys.js'
import { readFeed, readPage, readSeqs } from './reader.js'
import { Recovery } from './recovery.js'
import { VerifiedMark } from './verified-mark.js'
import { View } from './view.js'
import { LogWriter } from './writer.js'

/**
 * Opens the embedded store in a folder, which it makes if need be, and verifies the end of the log. Throws `KEFU_STORE_LOCKED`,
 * `KEFU_STORE_UNWRITABLE`, `KEFU_STORE_FULL`, `KEFU_STORE_FORMAT_NEWER`, and `KEFU_STORE_CORRUPT` when nothing of it can be read. Damage that leaves
 * the rest readable does not throw: the state is `damaged` then, and writes are refused. `open` is how LevelDB is opened; tests pass one with faults.
 */
export async function openLevelStore(options: StoreOptions, open: OpenHandle = openHandle): Promise<Store> {
  const { path, clock, logger = SILENT } = options
  const limits = { ...STORE_LIMITS, ...options.limits }
  const paths = storePaths(path)
  await createIfMissing(path, clock, limits)
  const database = new Database(paths.database, await open(paths.database, limits), limits, clock, open)
  let acknowledged: AcknowledgedFile | undefined
  try {
    removeUnfinished(path)
    acknowledged = new AcknowledgedFile(paths.acknowledged)
    const inspection = await inspect(database, acknowledged.read())
    return await assemble({ path, clock, logger, limits, database, acknowledged }, inspection)
  } catch (error) {
    acknowledged?.close()
    await database.close()
    throw error instanceof KefuError ? error : openFailure(path, error)
  }
}

type Parts = Required<Pick<StoreOptions, 'path' | 'clock' | 'logger'>> & {
  readonly limits: typeof STORE_LIMITS
  readonly database: Database
  readonly acknowledged: AcknowledgedFile
}

async function assemble(parts: Parts, first: Inspection): Promise<Store> {
  const { path, clock, logger, limits, database, acknowledged } = parts
  let state: StoreInfo['state'] = 'ready'
  let damage: readonly StoreFinding[] = []
  let refusal: KefuError | undefined
  let commits = 0
  let committedRecords = 0
  let committedAtMs = 0
  let isNoteMissing = false
  let isClosing: Promise<void> | undefined

  const digests = new Digests()
  const feed = new LiveFeed(limits.liveRecords)
  const loader = new ConversationLoader(database, clock, limits, () => feed.durableSeq)
  const platformKeys = new PlatformKeys(database, clock, logger, limits.appendTimeoutMs)
  const mark = new VerifiedMark(limits.writeBufferBytes)
  const writer = new LogWriter({ database, loader, digests, platformKeys, clock, limits, onCommit, onFailure, onSeal })
  const directory = new Directory({ writer, digests, clock, valueBytes: limits.directoryValueBytes })
  const outbox = new Outbox({ database, writer, digests, clock, logger, head: id => log.head(id) })
  const view = new View({ database, loader, feed, writer, isRecovering: () => state === 'failed' || state === 'full' })
  const eraser = new Eraser({ database, writer, loader, feed, clock })
  const recovery = new Recovery({ path, clock, limits, logger, reopen })

  function onSeal(commit: Commit): void {
    const verified = mark.sealed(commit.lastSeq, commit.bytes)
    if (verified !== undefined) putFact(commit, 'verified', verified)
  }

  function onCommit(commit: Commit): void {
    commits++
    committedRecords += commit.records
    if (commit.records > 0) committedAtMs = clock.monotonicMs()
    note(commit)
    view.changed(commit.activeChanges)
    outbox.added(commit.rows)
    if (commit.entries.length > 0) feed.publish(commit.entries)
  }

  /** The commit is on disk, noted or not: without the note a later loss of it may go unnoticed, and refusing it now would lose it for certain. */
  function note(commit: Commit): void {
    try {
      acknowledged.write(commit.lastSeq, commit.number)
      isNoteMissing = false
    } catch (error) {
      if (!isNoteMissing) logger.warn({ err: error }, 'store.commit_not_noted')
      isNoteMissing = true
    }
  }

  function onFailure(error: KefuError): void {
    const isFull = error.code === 'KEFU_STORE_FULL'
    state = isFull ? 'full' : 'failed'
    refusal = error
    logger.error({ code: error.code, err: error.cause }, 'store.write_failed')
    recovery.start(isFull)
  }

  async function reopen(): Promise<void> {
    await writer.settled()
    let inspection: Inspection | undefined
    await database.reopen(async fresh => {
      inspection = await inspect(fresh, acknowledged.read())
    })
    // What is being closed takes nothing any more.
    if (inspection !== undefined && isClosing === undefined) void takeOver(inspection)
  }

  /** Resolves when what was cut off is marked, or cannot be. */
  function takeOver(inspection: Inspection): Promise<void> {
    loader.clear()
    digests.reset(inspection.digests)
    platformKeys.reset(inspection.dedupe)
    view.reset(inspection.active, inspection.unsound)
    mark.reset(inspection.lastSeq)
    writer.resume(inspection.lastSeq, inspection.commit)
    damage = inspection.findings
    state = damage.length > 0 ? 'damaged' : 'ready'
    refusal = undefined
    if (state === 'damaged') {
      const where = damage[0]!.message
      logger.error({ findings: damage.length, where }, 'store.damaged')
      refusal = damaged(where)
      writer.refuse(() => damaged(where))
    }
    feed.reset(inspection.lastSeq)
    directory.reset(inspection.directory, inspection.revision, inspection.unsound.has('directory'))
    const cutOff = outbox.load(inspection.outbox, inspection.unsound.has('outbox'))
    if (cutOff.length === 0 || state !== 'ready') return Promise.resolve()
    return outbox.markUnknown(cutOff).catch(error => logger.warn({ err: error }, 'outbox.cut_off_not_marked'))
  }

  const log: LogPort = {
    append: (conversation, bodies, options) => writer.append(conversation, bodies, options),
    async head(id) {
      const conversation = loader.entry(id)
      if (!conversation.isLoaded) await loader.load(conversation)
      return conversation.durable
    },
    cachedHead: id => loader.peek(id)?.durable ?? undefined,
    async read(id, after, limit, limitBytes) {
      const conversation = loader.entry(id)
      if (!conversation.isLoaded) await loader.load(conversation)
      const head = conversation.durable
      if (head === null) return []
      // Views of busy conversations ask for the last record only, again and again.
      const last = after === head.n - 1 && limit > 0 ? feed.at(head.seq) : undefined
      if (last !== undefined) return [last.record]
      return readPage(database, conversation.bytes, head, after, limit, limitBytes)
    },
    readAt: seqs => readSeqs(database, seqs),
    tail,
    cursor: () => formatCursor(feed.durableSeq),
    committedAtMs: () => committedAtMs,
  }

  async function headsOf(ids: readonly ConversationId[]): Promise<readonly (Head | null)[]> {
    return (await loader.loadAll(ids)).map(({ durable }) => durable)
  }

  async function* tail(after: Cursor, signal: AbortSignal): AsyncGenerator<readonly LogEntry[], void, undefined> {
    let seq = parseCursor(after)
    const stop = () => feed.wake()
    signal.addEventListener('abort', stop)
    try {
      while (!signal.aborted && !feed.isClosed) {
        let entries = feed.after(seq)
        if (entries === undefined && seq < feed.durableSeq)
          entries = await readFeed(database, seq, feed.durableSeq, headsOf)
        if (entries === undefined) await feed.wait()
        else if (!signal.aborted) {
          seq += entries.length
          yield entries
        }
      }
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async function close(): Promise<void> {
    refusal = new KefuError('KEFU_DRAINING')
    writer.refuse(() => new KefuError('KEFU_DRAINING'))
    directory.close()
    outbox.close()
    platformKeys.close()
    await recovery.close()
    await writer.idle()
    feed.close()
    await writer.settled()
    await database.close()
    acknowledged.close()
  }

  const marked = takeOver(first)
  if (state === 'ready' && first.lastSeq > 0)
    // The database has read back its write-ahead log into table files: what was verified now need not be again.
    await database.writeUnsynced(batch => putFact(batch, 'verified', first.lastSeq))
  await marked

  return {
    log,
    eraser,
    directory,
    bus: createBus({ clock, logger }),
    outbox,
    view,
    async info() {
      return {
        engine: 'level',
        path,
        format: STORE_FORMAT,
        records: feed.durableSeq,
        sizeBytes: await folderBytes(database.folder),
        state,
        damage,
        commits,
        committedRecords,
      }
    },
    refusal: () => refusal,
    check: options =>
      checkStore(
        { database, durableSeq: () => feed.durableSeq, damage: () => damage, erasures: id => eraser.erasures(id) },
        options,
      ),
    close: () => (isClosing ??= close()),
  }
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder)) {
    try {
      bytes += (await stat(join(folder, name))).size
    } catch (error) {
      // Table files come and go.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return bytes
}
