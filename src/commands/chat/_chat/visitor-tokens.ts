import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TokenStore } from '../../../client/index.js'
import { KefuError } from '../../../errors.js'

/**
 * The visitor token of one channel of one server, in a file of its own (0600) in `folder` (0700): whoever can read it can go on as that visitor. With
 * `isNew` what is there is left aside, and replaced when a token comes. Throws `KEFU_STORE_UNWRITABLE`.
 */
export function visitorTokens(folder: string, url: string, channel: string, isNew: boolean): TokenStore {
  const { host } = new URL(url)
  const name = createHash('sha256').update(`${host} ${channel}`).digest('hex').slice(0, 32)
  const path = join(folder, `visitor-${name}.token`)
  return {
    async load() {
      if (isNew) return undefined
      try {
        return (await readFile(path, 'utf8')).trim() || undefined
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw unwritable(path, error)
      }
    },
    async save(token) {
      // A file of its own first: a crash in between must not lose the token that was there.
      const fresh = join(folder, `.${name}.${randomBytes(6).toString('hex')}`)
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        const file = await open(fresh, 'wx', 0o600)
        try {
          await file.writeFile(`${token}\n`)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(fresh, path)
      } catch (error) {
        await rm(fresh, { force: true })
        throw unwritable(path, error)
      }
    },
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

function unwritable(path: string, error: unknown): KefuError {
  return new KefuError('KEFU_STORE_UNWRITABLE', { path, reason: codeOf(error) }, { cause: error })
}
