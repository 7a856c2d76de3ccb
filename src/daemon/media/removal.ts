import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConversationId } from '../../codec/conversation-id.js'
import { isMediaId, mediaTime, type Removed } from '../core/media.js'
import { diskError, errnoOf, syncFolder } from './disk.js'
import type { UnnamedFile } from './unnamed.js'

/** Which files of a folder: those of these names, or all that were uploaded up to an instant (epoch ms). */
export type Which = { readonly upTo: number } | readonly string[]

/** Removes files with their marks; durable on return. Throws as `diskError` says: then some may be left. */
export async function removeFiles(
  folder: string,
  which: Which,
  discard: (file: UnnamedFile) => Promise<void>,
  conversation: ConversationId,
): Promise<Removed> {
  const files = await filesOf(folder, which)
  if (files.length === 0) return NONE
  try {
    for (const { media } of files) await discard({ conversation, media, path: join(folder, media) })
    await syncFolder(folder)
  } catch (error) {
    throw diskError(error)
  }
  return sumOf(files)
}

/** What there is of them. Throws as `diskError` says. */
export async function measureFiles(folder: string, which: Which): Promise<Removed> {
  return sumOf(await filesOf(folder, which))
}

type File = { readonly media: string; readonly bytes: number }

const NONE: Removed = { files: 0, bytes: 0 }

async function filesOf(folder: string, which: Which): Promise<File[]> {
  const files: File[] = []
  try {
    for (const media of await namesOf(folder, which)) {
      const bytes = await sizeOf(join(folder, media))
      if (bytes !== undefined) files.push({ media, bytes })
    }
  } catch (error) {
    throw diskError(error)
  }
  return files
}

async function namesOf(folder: string, which: Which): Promise<readonly string[]> {
  if (!('upTo' in which)) return which.filter(isMediaId)
  try {
    return (await readdir(folder)).filter(name => isMediaId(name) && mediaTime(name) <= which.upTo)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function sumOf(files: readonly File[]): Removed {
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
}
