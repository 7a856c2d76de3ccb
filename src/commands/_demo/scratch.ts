import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Dirs, resolveDirs, SOCKET_PATH_LIMIT_BYTES } from '../../daemon/config/dirs.js'
import { type ControlClient, createControlClient } from '../../daemon/control/client.js'
import { isKefuError, KefuError } from '../../errors.js'
import { startDaemon, waitUntilGone } from '../_cli/daemon-life.js'
import { claimScratchHome, sweepScratchHomes } from './leftovers.js'

/** A daemon of its own folder, which ends with this process. */
export type ScratchDaemon = {
  readonly home: string
  readonly pid: number
  /** Where it listens. */
  readonly url: string
  readonly control: ControlClient
  /** Ends it; resolves when its process is gone. */
  close(): Promise<void>
}

const STOP_TIMEOUT_MS = 5_000
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'you have no permission to write there',
  EPERM: 'you have no permission to write there',
  EROFS: 'it is read-only',
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is not a folder',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your share of the disk is used up',
}

/**
 * Makes a folder (0700) among the temporary ones. Unless it is to be kept, a later demo removes it when this process ends without having done so. Throws
 * `KEFU_TEMPORARY_UNUSABLE`.
 */
export async function makeScratchHome(isKept: boolean): Promise<string> {
  const path = tmpdir()
  let home: string | undefined
  try {
    home = await realpath(await mkdtemp(join(path, 'kefu-demo-')))
    if (Buffer.byteLength(dirsOf(home).socketPath) > SOCKET_PATH_LIMIT_BYTES) throw new Error('its path is too long')
    if (!isKept) await claimScratchHome(home)
    return home
  } catch (cause) {
    if (home !== undefined) await removeScratchHome(home)
    const { code = '', message } = cause as NodeJS.ErrnoException
    throw new KefuError('KEFU_TEMPORARY_UNUSABLE', { path, reason: REASONS[code] ?? message }, { cause })
  }
}

/** Removes what demos that were killed have left; how many folders. */
export async function sweepLeftovers(): Promise<number> {
  return (await sweepScratchHomes(tmpdir(), home => dirsOf(home).socketPath)).length
}

/** Removes the folder with all that is in it. */
export async function removeScratchHome(home: string): Promise<void> {
  await rm(home, { recursive: true, force: true, maxRetries: 3 })
}

/** Starts a daemon in a folder, on a free port of the loopback interface; settings of the person's own kefu do not reach it. Throws what `startDaemon` throws. */
export async function startScratchDaemon(home: string, version: string, timeoutMs: number): Promise<ScratchDaemon> {
  const dirs = dirsOf(home)
  const control = createControlClient({ socketPath: dirs.socketPath, home, version, timeoutMs })
  const { pid, address } = await startDaemon({
    ...{ control, dirs, timeoutMs },
    runArguments: ['--home', home, '--host', '127.0.0.1', '--port', '0'],
    environment: foreignEnvironment(process.env),
    endsWithParent: true,
  })
  return {
    home,
    pid,
    url: address.http ?? '',
    control,
    async close() {
      try {
        await control.call('daemon.stop', { mode: 'now' })
      } catch (error) {
        // It has been ended already.
        if (!isKefuError(error, 'KEFU_DAEMON_UNREACHABLE') && !isKefuError(error, 'KEFU_DISCONNECTED')) throw error
      }
      try {
        await waitUntilGone(control, pid, STOP_TIMEOUT_MS)
      } catch (error) {
        if (!isKefuError(error, 'KEFU_TIMEOUT')) throw error
        process.kill(pid, 'SIGKILL')
        await waitUntilGone(control, pid, STOP_TIMEOUT_MS)
      }
    },
  }
}

function dirsOf(home: string): Dirs {
  const here = { userHome: homedir(), temporaryDir: tmpdir(), uid: process.getuid?.() }
  return resolveDirs({ home, environment: {}, ...here })
}

/** The environment without what steers a daemon. */
function foreignEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const steers = /^(KEFU_|CREDENTIALS_DIRECTORY$)/
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !steers.test(name)))
}
