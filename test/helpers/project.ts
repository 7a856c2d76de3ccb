import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder. The tests run from what the compiler made of them, a folder deeper than their sources. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Every file under a folder, as paths from the project's folder, with slashes, in order. */
export function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}

/** A file's text. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** A JSON file, taken for what the caller says it is. */
export function readJson<T>(path: string): T {
  return JSON.parse(readText(path)) as T
}

/** Asserts that a search found nothing; what it found is the message. */
export function none(found: readonly unknown[]): void {
  assert.equal(found.length, 0, `\n${found.join('\n')}`)
}
