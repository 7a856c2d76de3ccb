import { opendir, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ConversationId, isConversationId } from '../../codec/conversation-id.js'
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
  /**
   * Keeps a file for good; on return its mark is gone (fsync). `false` when there is none, or no more. Throws as `diskError` says: then it is as before, or kept.
   */
  keep(file: UnnamedFile, isThere: () => Promise<boolean>): Promise<boolean>
  /** Removes the files whose upload was before an instant, at most a hundred thousand; how many. Ends early when the signal aborts. Throws as `diskError` says. */
  sweep(beforeMs: number, signal: AbortSignal): Promise<number>
}

/** A file by its ids and its path. */
export type UnnamedFile = { readonly conversation: ConversationId; readonly media: string; readonly path: string }

const MARKS_LIMIT = 100_000

/** The marks in `folder`, which exists, for files of `<root>/<conversation>/<media>`. */
export function createUnnamedFiles(folder: string, root: string): UnnamedFiles {
  const keeping = new Map<string, Promise<boolean>>()
  const removing = new Map<string, Promise<boolean>>()
  /** What a sync that failed has left open, only another one can make sure of. */
  let isSyncDue = false

  const markOf = (name: string): string => join(folder, name)

  const takeMark = async (name: string, isThere: () => Promise<boolean>): Promise<boolean> => {
    if (!(await isThere())) return false
    if (!(await removeFile(markOf(name))) && !isSyncDue) return true
    try {
      await syncFolder(folder)
    } catch (error) {
      isSyncDue = true
      throw diskError(error)
    }
    return true
  }

  /** The mark goes first: a file without one has been kept. */
  const remove = async (name: string, path: string): Promise<boolean> => {
    if (!(await removeFile(markOf(name)))) return false
    await removeFile(path)
    await removeIfEmpty(dirname(path))
    return true
  }

  return {
    async add(conversation, media) {
      try {
        await writeFile(markOf(nameOf(conversation, media)), '', { mode: 0o600 })
      } catch (error) {
        throw diskError(error)
      }
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
      let removed = 0
      let left = MARKS_LIMIT
      try {
        for await (const { name } of await opendir(folder)) {
          if (signal.aborted || left-- === 0) break
          const [conversation = '', media = ''] = name.split('.')
          if (!isConversationId(conversation) || !isMediaId(media) || mediaTime(media) >= beforeMs) continue
          if (keeping.has(name)) continue
          const step = remove(name, join(root, conversation, media)).finally(() => removing.delete(name))
          removing.set(name, step)
          if (await step) removed++
        }
      } catch (error) {
        throw diskError(error)
      }
      return removed
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
