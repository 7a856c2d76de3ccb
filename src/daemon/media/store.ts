import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConversationId, isConversationId } from '../../codec/conversation-id.js'
import { compress } from '../../codec/zstd.js'
import { KefuError } from '../../errors.js'
import {
  isMediaId,
  type MediaFile,
  type MediaMeta,
  type MediaPort,
  type MediaUpload,
  newMediaId,
} from '../core/media.js'
import { orderedId, type RandomBytes } from '../core/ordered-id.js'
import type { Clock } from '../core/ports.js'
import { createBudget } from '../engine/limits/budget.js'
import { diskError, ensureFolder, removeFile, syncFolder, withFile, writeDurably } from './disk.js'
import { type Digests, digest, encodeHeader, type MediaHeader } from './format.js'
import { createGate } from './gate.js'
import { corrupt, readHeader, readStored } from './reader.js'
import { measureFiles, removeFiles } from './removal.js'
import { detectType } from './type.js'
import { createUnnamedFiles, type Sweep, type UnnamedFiles } from './unnamed.js'
import { createUploadClock, type UploadClock } from './upload-clock.js'

/** What the store needs from outside. */
export type MediaStorePorts = {
  readonly clock: Pick<Clock, 'now' | 'monotonicMs' | 'after'>
  readonly random: RandomBytes
  /** Told of failures in the background, which no caller sees. */
  readonly report: (error: KefuError) => void
  /** Told of a sweep that found files to remove because no message named them. */
  readonly swept?: (sweep: Pick<Sweep, 'files' | 'failures'>) => void
}

/** Where the files are and how large they may be. */
export type MediaStoreOptions = {
  /** A folder for this store alone; its parent exists. */
  readonly path: string
  /** Largest file. Compressed files are held in memory while they are sent to peers without zstd, so keep it under 100 MiB. */
  readonly fileLimitBytes: number
  /** Memory for those; 64 MiB if not said. */
  readonly inflatedLimitBytes?: number
}

// File operations at once: what the thread pool can use, and few enough to leave the process its file descriptors.
const FILES_AT_ONCE = 16
const FILES_WAITING = 4096
const INFLATED_BYTES = 64 * 1024 * 1024
const INCOMING = 'incoming'
const PENDING = 'pending'
const SWEEP_MS = 60 * 60_000
/** How long a file waits for a message that names it. */
const UNNAMED_MS = 24 * 60 * 60_000
/** Compressed only if at most this part of the size remains. */
const WORTHWHILE = 0.9
const COMPRESS_FROM_BYTES = 256
const LEFTOVERS_LIMIT = 100_000

/**
 * Opens the media store in a folder, which is made if need be: `<path>/<conversation>/<media>`, each file with its facts and digests in it. New files are
 * written to `<path>/incoming`; what a crash left there is removed in the background. `<path>/pending` has the marks of files that no message has named yet; they are
 * looked through at the start and every hour. Throws `KEFU_STORE_FULL`, `KEFU_MEDIA_UNAVAILABLE`.
 */
export async function createMediaStore(ports: MediaStorePorts, options: MediaStoreOptions): Promise<MediaPort> {
  const { clock, random } = ports
  const { path: root, fileLimitBytes } = options
  const incoming = join(root, INCOMING)
  await ensureFolder(root)
  await ensureFolder(incoming)
  const unnamed = await openUnnamed(root)

  const gate = createGate(FILES_AT_ONCE, FILES_WAITING, busy)
  const reader = { gate, inflated: createBudget(options.inflatedLimitBytes ?? INFLATED_BYTES) }
  const run = orderedId('run', clock.now(), random)
  const swept = removeLeftovers(incoming, run).catch((error: unknown) => ports.report(diskError(error)))
  const uploadClock = createUploadClock(clock, UNNAMED_MS)
  const sweeps = sweepHourly(ports, unnamed, uploadClock)
  let isClosed = false
  const isThere = async (path: string): Promise<boolean> =>
    (await gate.run(() => withFile(path, async file => (await file.stat()).isFile()))) ?? false

  return {
    async put(upload) {
      if (isClosed) throw new KefuError('KEFU_DRAINING')
      if (upload.bytes.length > fileLimitBytes) throw new KefuError('KEFU_BODY_TOO_LARGE', { limit: fileLimitBytes })
      return gate.run(async () => {
        const createdAt = uploadClock.stamp()
        const media = upload.media ?? newMediaId(createdAt, random)
        const { meta, stored } = await prepare(upload, media, createdAt)
        const { conversation } = upload
        const folder = join(root, checked(conversation))
        const path = join(folder, media)
        try {
          await unnamed.add(conversation, media)
          await writeDurably({
            temporary: join(incoming, `${run}-${media}`),
            root,
            folder,
            path,
            chunks: [encodeHeader(meta, stored), stored.bytes],
          })
        } catch (error) {
          // A disk that fails may fail here, too: that is reported, and the caller is told why there is no file.
          await unnamed.discard({ conversation, media, path }).catch(ports.report)
          throw error
        }
        return meta
      })
    },

    async keep(conversation, media) {
      const path = pathOf(root, conversation, media)
      return path !== undefined && unnamed.keep({ conversation, media, path }, () => isThere(path))
    },

    async open(conversation, media): Promise<MediaFile> {
      const path = pathOf(root, conversation, media)
      const name = `${conversation}/${media}`
      const header = path === undefined ? undefined : await gate.run(() => readHeader(path, name))
      if (path === undefined || header === undefined) throw new KefuError('KEFU_MEDIA_NOT_FOUND')
      if (!isOf(header, conversation, media)) throw corrupt(name, 'it is another file')
      const file = { path, name, header }
      return {
        meta: header.meta,
        zstdBytes: header.encoding === 'zstd' ? header.storedBytes : undefined,
        read: (what, signal) => readStored({ ...reader, signal }, file, what),
      }
    },

    remove: (conversation, which) =>
      gate.run(() =>
        removeFiles(join(root, checked(conversation)), which, media => unnamed.discard(media), conversation),
      ),

    measure: (conversation, which) => gate.run(() => measureFiles(join(root, checked(conversation)), which)),

    async close() {
      isClosed = true
      await Promise.all([swept, sweeps.close(), gate.idle()])
    },
  }
}

/** Whatever an earlier run removed is made sure of before anybody relies on it. */
async function openUnnamed(root: string): Promise<UnnamedFiles> {
  const folder = join(root, PENDING)
  await ensureFolder(folder)
  try {
    await syncFolder(folder)
  } catch (error) {
    throw diskError(error)
  }
  return createUnnamedFiles(folder, root)
}

/** Sweeps now and every hour, until it is closed. */
function sweepHourly(
  { clock, report, swept }: MediaStorePorts,
  unnamed: UnnamedFiles,
  uploadClock: UploadClock,
): { readonly close: () => Promise<void> } {
  const abort = new AbortController()
  let running: Promise<void> = Promise.resolve()
  let cancel = (): void => undefined
  const sweep = async (): Promise<void> => {
    try {
      const { files, failures, firstFailure } = await unnamed.sweep(uploadClock.dueBefore(), abort.signal)
      if (firstFailure !== undefined) report(firstFailure)
      if (files > 0 || failures > 0) swept?.({ files, failures })
    } catch (error) {
      report(diskError(error))
    }
    if (!abort.signal.aborted) cancel = clock.after(SWEEP_MS, begin)
  }
  const begin = (): void => {
    running = sweep()
  }
  begin()
  return {
    async close() {
      abort.abort()
      cancel()
      await running
    },
  }
}

type Stored = { readonly encoding: 'identity' | 'zstd'; readonly bytes: Uint8Array; readonly digests: Digests }

async function prepare(
  { conversation, uploader, declaredType, bytes }: MediaUpload,
  media: MediaMeta['media'],
  createdAt: number,
): Promise<{ readonly meta: MediaMeta; readonly stored: Stored }> {
  const { type, isText } = detectType(bytes, declaredType)
  const digests = await digest(bytes)
  const sha256 = Buffer.from(digests.whole).toString('hex')
  const meta: MediaMeta = { conversation, media, type, sizeBytes: bytes.length, sha256, createdAt, uploader }
  if (isText && bytes.length >= COMPRESS_FROM_BYTES) {
    const smaller = await compress(bytes)
    if (smaller.length <= bytes.length * WORTHWHILE)
      return { meta, stored: { encoding: 'zstd', bytes: smaller, digests: await digest(smaller) } }
  }
  return { meta, stored: { encoding: 'identity', bytes, digests } }
}

/** A path is made of two validated ids and nothing else. */
function pathOf(root: string, conversation: string, media: string): string | undefined {
  return isConversationId(conversation) && isMediaId(media) ? join(root, conversation, media) : undefined
}

function checked(conversation: ConversationId): string {
  if (!isConversationId(conversation)) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  return conversation
}

function isOf({ meta }: MediaHeader, conversation: string, media: string): boolean {
  return meta.conversation === conversation && meta.media === media
}

/** Removes what earlier runs left half-written. The rest of an absurd number waits for the next start. */
async function removeLeftovers(folder: string, run: string): Promise<void> {
  let left = LEFTOVERS_LIMIT
  for await (const entry of await opendir(folder)) {
    if (entry.name.startsWith(run) || !entry.isFile()) continue
    await removeFile(join(folder, entry.name))
    if (--left === 0) return
  }
}

function busy(): KefuError {
  return new KefuError('KEFU_MEDIA_UNAVAILABLE', { reason: 'too many files are being stored and read' })
}
