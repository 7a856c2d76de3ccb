import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Cleanup, makeTmpDir, removeDir } from './tmp-dir.js'

/** A file system of its own with little room. */
export type SmallDisk = { readonly path: string; fill(): void; free(): void }

/** Mounts a tmpfs of this size, or says why that is not possible here (it takes root on Linux). */
export function mountSmallDisk(test: Cleanup, sizeMib: number): SmallDisk | { readonly reason: string } {
  const path = makeTmpDir('kefu-disk-')
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=0700`, 'tmpfs', path], {
    encoding: 'utf8',
  })
  test.after(() => {
    // Lazily: a daemon may still have files open there.
    spawnSync('umount', ['--lazy', path])
    removeDir(path)
  })
  if (mounted.status !== 0)
    return { reason: `no tmpfs can be mounted here: ${mounted.stderr?.trim() || mounted.error?.message}` }
  const filler = join(path, 'filler')
  return {
    path,
    fill() {
      const file = openSync(filler, 'a')
      try {
        for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) writeUntilFull(file, Buffer.alloc(size))
      } finally {
        closeSync(file)
      }
    },
    free() {
      rmSync(filler)
    },
  }
}

function writeUntilFull(file: number, block: Uint8Array): void {
  try {
    for (;;) if (writeSync(file, block) < block.length) return
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
