import { type FileHandle, open, unlink } from 'node:fs/promises'
import { KefuError } from '../../errors.js'

/** A file that is there for a secret which does not exist yet. */
export type SecretFile = {
  /** Writes the secret and a line feed; on disk when it resolves. */
  write(secret: string): Promise<void>
  /** Removes the file again. */
  discard(): Promise<void>
}

/**
 * Makes an empty file (0600) before a secret is made that is shown once: it must not get lost because the file cannot be written. Throws
 * `KEFU_FILE_EXISTS`, `KEFU_STORE_UNWRITABLE`.
 */
export async function reserveSecretFile(path: string): Promise<SecretFile> {
  let file: FileHandle
  try {
    file = await open(path, 'wx', 0o600)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'EEXIST') throw new KefuError('KEFU_FILE_EXISTS', { path })
    throw new KefuError('KEFU_STORE_UNWRITABLE', { path, reason: code }, { cause: error })
  }
  return {
    async write(secret) {
      try {
        await file.chmod(0o600)
        await file.writeFile(`${secret}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
    },
    async discard() {
      await file.close()
      await unlink(path)
    },
  }
}

/** Runs a step that makes a secret; with a path the secret goes into that file instead of the answer. The file goes again when there is no secret. */
export async function keepSecret<T extends { readonly token?: string }>(
  path: string | undefined,
  step: () => Promise<T>,
): Promise<Omit<T, 'token'> & { readonly token?: string; readonly tokenFile?: string }> {
  if (path === undefined) return step()
  const file = await reserveSecretFile(path)
  let answer: T
  try {
    answer = await step()
  } catch (error) {
    await file.discard()
    throw error
  }
  const { token, ...rest } = answer
  if (token === undefined) {
    await file.discard()
    return rest
  }
  await file.write(token)
  return { ...rest, tokenFile: path }
}
