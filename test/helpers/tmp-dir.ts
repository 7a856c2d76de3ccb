import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'

/** Anything that can run a function when a test is over: node:test's context, or a suite's own. */
export type Cleanup = { after(callback: () => void | Promise<void>): void }

/** Those who write to a folder, and how each is ended. */
const writers = new Map<() => Promise<void>, string>()

/** Notes that somebody writes to a folder, or below it: they are ended before it is removed, in whatever order a test's functions for its end were named. */
export function endedBeforeRemoval(path: string, end: () => Promise<void>): void {
  writers.set(end, path)
}

/** A fresh folder of this test alone (mode 0700), removed with everything in it when the test is over and those who write to it have ended. */
export function tmpDir(test: Cleanup, prefix = 'kefu-test-'): string {
  const path = makeTmpDir(prefix)
  test.after(async () => {
    for (const [end, at] of writers) {
      if (at !== path && !at.startsWith(path + sep)) continue
      writers.delete(end)
      await end()
    }
    removeDir(path)
  })
  return path
}

/** A fresh folder (mode 0700); the caller removes it. */
export function makeTmpDir(prefix = 'kefu-test-'): string {
  return realpathSync(mkdtempSync(join(tmpdir(), prefix)))
}

/** Removes a folder and everything in it; nothing happens when it is gone already. */
export function removeDir(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 })
}
