import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Anything that can run a function when a test is over: node:test's context, or a suite's own. */
export type Cleanup = { after(callback: () => void | Promise<void>): void }

/** A fresh folder of this test alone (mode 0700), removed with everything in it when the test is over. */
export function tmpDir(test: Cleanup, prefix = 'kefu-test-'): string {
  const path = makeTmpDir(prefix)
  test.after(() => removeDir(path))
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
