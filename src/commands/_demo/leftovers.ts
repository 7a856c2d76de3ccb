import type { Stats } from 'node:fs'
import { lstat, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isAlive } from '../_cli/process-life.js'

/** As `mkdtemp` names folders of demos. */
const NAME = /^kefu-demo-[0-9A-Za-z]{6}$/
const OWNER_FILE = 'demo.owner'
const OWNER_BYTES = 1_000
const ANSWER_MS = 1_000

/** Notes whose folder it is: one whose process is gone may be removed by the next demo. */
export async function claimScratchHome(home: string): Promise<void> {
  await writeFile(join(home, OWNER_FILE), JSON.stringify(ownerOf(process.pid)), { mode: 0o600 })
}

/**
 * Removes the folders of demos that were killed: of this user, claimed on this host by a process that is gone, whose daemon does not answer. All others stay as
 * they are. The names of those that were removed. Never rejects: what cannot be removed is there for the next demo.
 */
export async function sweepScratchHomes(temporaryDir: string, socketOf: (home: string) => string): Promise<string[]> {
  const removed: string[] = []
  for (const name of await readdir(temporaryDir).catch(() => [])) {
    if (!NAME.test(name)) continue
    const home = join(temporaryDir, name)
    try {
      if (!(await isLeft(home)) || (await answers(socketOf(home)))) continue
      await rm(home, { recursive: true, force: true })
      removed.push(name)
    } catch {
      // It has gone meanwhile, or is not to be read.
    }
  }
  return removed
}

async function isLeft(home: string): Promise<boolean> {
  const folder = await lstat(home)
  const file = await lstat(join(home, OWNER_FILE))
  if (!folder.isDirectory() || !isOurs(folder) || !file.isFile() || !isOurs(file) || file.size > OWNER_BYTES)
    return false
  const text = await readFile(join(home, OWNER_FILE), 'utf8')
  const { pid }: { readonly pid?: unknown } = JSON.parse(text)
  // Processes of another host, or of a container that shares the folder, cannot be seen from here.
  return typeof pid === 'number' && pid > 0 && text === JSON.stringify(ownerOf(pid)) && !isAlive(pid)
}

function ownerOf(pid: number): { readonly pid: number; readonly host: string } {
  return { pid, host: hostname() }
}

function isOurs({ uid }: Stats): boolean {
  return uid === (process.getuid?.() ?? uid)
}

/** Whether somebody listens there, or may: only a refusal says that nobody does. */
function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const end = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.setTimeout(ANSWER_MS, () => end(true))
    socket.once('connect', () => end(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code !== 'ECONNREFUSED' && code !== 'ENOENT'))
  })
}
