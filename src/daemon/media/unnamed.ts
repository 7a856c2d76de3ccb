import { opendir, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ConversationId, isConversationId } from '../../codec/conversation-id.js'
import type { KefuError } from '../../errors.js'
import { isMediaId, type MediaId, mediaTime } from '../core/media.js'
import { diskError, errnoOf, removeFile, syncFolder } from './disk.js'

/**
 * Files that no message has named yet, so that those which none ever will can be removed. Each has a mark, an empty file of its own, from before it is visible until
 * the first message that names it, and that mark is gone from the disk before the message is stored. Without a mark nothing is ever removed: whatever is lost in a
 * crash, a file may stay for too long, but not go too early.
 */
export type UnnamedFiles = {
  /** Marks a file that is about to appear. Throws as `diskError` says. */
  add(conversation: ConversationId, media: MediaId): Promise<void>
  /** Takes back a file that could not be written. What cannot be removed stays with its mark, for a sweep. Throws as `diskError` says. */
  discard(file: UnnamedFile): Promise<void>
  /**
   * Keeps a file for good; on return its mark is gone (fsync). `false` when there is none, or no more. Throws as `diskError` says: then it is as before, or kept.
   */
  keep(file: UnnamedFile, isThere: () => Promise<boolean>): Promise<boolean>
  /**
   * Removes the files whose id is older than an instant, at most a hundred thousand. One that cannot be removed is counted and stays for the next sweep. Ends
   * early when the signal aborts. Throws as `diskError` says when the marks cannot be read.
   */
  sweep(beforeMs: number, signal: AbortSignal): Promise<Sweep>
}

/** What a sweep has done. */
export type Sweep = {
  /** Files removed. */
  readonly files: number
  /** What did not succeed, and is tried again. */
  readonly failures: number
  readonly firstFailure: KefuError | undefined
}

/** A file by its ids and its path. */
export type UnnamedFile = { readonly conversation: ConversationId; readonly media: string; readonly path: string }

const MARKS_LIMIT = 100_000

/** The marks in `folder`, which exists, for files of `<root>/<conversation>/<media>`. `sync` is how a folder is synced; tests pass one with faults. */
export function createUnnamedFiles(folder: string, root: string, sync = syncFolder): UnnamedFiles {
  const keeping = new Map<string, Promise<boolean>>()
  const removing = new Map<string, Promise<boolean>>()
  let syncsFailed = 0
  let syncsMadeGood = 0

  const markOf = (name: string): string => join(folder, name)

  const writeMark = (name: string): Promise<void> => writeFile(markOf(name), '', { mode: 0o600 })

  /** What a sync that failed has left open, only one that began later can make sure of. */
  const isSyncDue = (): boolean => syncsMadeGood < syncsFailed

  const syncMarks = async (): Promise<void> => {
    const failedBefore = syncsFailed
    try {
      await sync(folder)
    } catch (error) {
      syncsFailed++
      throw diskError(error)
    }
    syncsMadeGood = Math.max(syncsMadeGood, failedBefore)
  }

  const takeMark = async (name: string, isThere: () => Promise<boolean>): Promise<boolean> => {
    if (!(await isThere())) return false
    if ((await removeFile(markOf(name))) || isSyncDue()) await syncMarks()
    return true
  }

  /** The mark goes first: a file without one has been kept. It comes back when the file cannot go. */
  const remove = async (name: string, path: string): Promise<boolean> => {
    if (!(await removeFile(markOf(name)))) return false
    try {
      await removeFile(path)
    } catch (error) {
      await writeMark(name)
      throw error
    }
    return true
  }

  return {
    async add(conversation, media) {
      try {
        await writeMark(nameOf(conversation, media))
      } catch (error) {
        throw diskError(error)
      }
    },
    async discard({ conversation, media, path }) {
      await removeFile(path)
      await removeFile(markOf(nameOf(conversation, media)))
    },
    async keep({ conversation, media }, isThere) {
      const name = nameOf(conversation, media)
      // Nothing may come between this look and the entry in `keeping`: not even an await of nothing.
      const removal = removing.get(name)
      if (removal !== undefined && (await removal)) return false
      const running = keeping.get(name)
      if (running !== undefined) return running
      const step = takeMark(name, isThere).finally(() => keeping.delete(name))
      keeping.set(name, step)
      return step
    },
    async sweep(beforeMs, signal) {
      let files = 0
      let failures = 0
      let firstFailure: KefuError | undefined
      const failed = (error: unknown): false => {
        failures++
        firstFailure ??= diskError(error)
        return false
      }
      let left = MARKS_LIMIT
      if (isSyncDue()) await syncMarks().catch(failed)
      try {
        for await (const { name } of await opendir(folder)) {
          if (signal.aborted || left-- === 0) break
          const [conversation = '', media = ''] = name.split('.')
          if (!isConversationId(conversation) || !isMediaId(media) || mediaTime(media) >= beforeMs) continue
          if (keeping.has(name)) continue
          const path = join(root, conversation, media)
          const step = remove(name, path)
            .catch(failed)
            .finally(() => removing.delete(name))
          removing.set(name, step)
          if (!(await step)) continue
          files++
          await removeIfEmpty(dirname(path)).catch(failed)
        }
      } catch (error) {
        throw diskError(error)
      }
      return { files, failures, firstFailure }
    },
  }
}

function nameOf(conversation: string, media: string): string {
  return `${conversation}.${media}`
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder)
  } catch (error) {
    const code = errnoOf(error)
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw diskError(error)
  }
}
