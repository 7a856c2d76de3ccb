import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Secrets of one test, and the places at which one of them was found. */
export class Canaries {
  readonly #forms: string[] = []
  readonly found: string[] = []

  /** A new secret: it could be a name. */
  next(): string {
    const canary = `canary${randomBytes(13).toString('hex')}`
    this.watch(canary)
    return canary
  }

  /** Looks for a secret that somebody else has made, too. */
  watch(secret: string): void {
    this.#forms.push(...formsOf(secret))
  }

  /** Looks for all of them, as they are and as what programs make of bytes. */
  look(where: string, bytes: Uint8Array | string): void {
    const text = Buffer.from(bytes)
    if (this.#forms.some(form => text.includes(form))) this.found.push(where)
  }

  /** Looks into every file of a folder; the names of the files. */
  lookThrough(folder: string): readonly string[] {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    for (const { parentPath, name } of files) this.look(`file ${name}`, readFileSync(join(parentPath, name)))
    return files.map(({ name }) => name)
  }
}

function formsOf(canary: string): readonly string[] {
  const bytes = Buffer.from(canary)
  // Within a longer text base64 depends on where it begins; its ends do on what is around.
  const base64 = [0, 1, 2].map(shift =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(4, -4),
  )
  return [canary, bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64]
}
