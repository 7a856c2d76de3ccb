import { type ChildProcess, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dirs } from '../../daemon/config/dirs.js'
import { ensureFolder } from '../../daemon/config/folders.js'
import { type ControlClient, type DaemonStatus, reportedError } from '../../daemon/control/client.js'
import { isKefuError, KefuError } from '../../errors.js'
import { answerChild, type PassphraseSource } from './passphrase.js'
import { isAlive } from './process-life.js'

/** Starting, stopping and waiting for a daemon that runs in the background. */

const POLL_MS = 50
const PROBE_TIMEOUT_MS = 5_000
const TAIL_BYTES = 64 * 1024
const LOG_LIMIT_BYTES = 16 * 1024 * 1024
const ASKS_PARENT = '--passphrase-from-parent'
const ENDS_WITH_PARENT = '--ends-with-parent'

/** The daemon's state; `undefined` when nobody answers on its control socket. Throws what else a call throws. */
export async function daemonStatus(control: ControlClient, timeoutMs?: number): Promise<DaemonStatus | undefined> {
  try {
    return await control.call('daemon.status', {}, timeoutMs === undefined ? {} : { timeoutMs })
  } catch (error) {
    // A daemon that ends while it answers is not running either.
    if (isKefuError(error, 'KEFU_DAEMON_UNREACHABLE') || isKefuError(error, 'KEFU_DISCONNECTED')) return undefined
    throw error
  }
}

/** Waits until the daemon serves its sockets. `watch` is called between the attempts and may throw. Throws `KEFU_TIMEOUT`. */
export async function waitUntilReady(
  control: ControlClient,
  timeoutMs: number,
  watch: () => void | Promise<void> = () => undefined,
): Promise<DaemonStatus> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const status = await probe(control, deadline - performance.now())
    if (status?.state === 'running') return status
    await watch()
    if (performance.now() >= deadline) throw new KefuError('KEFU_TIMEOUT', { what: 'becoming ready', timeoutMs })
    await sleep(POLL_MS)
  }
}

/** One look, not longer than what is left. A daemon that is too busy to answer is not ready yet. */
async function probe(control: ControlClient, leftMs: number): Promise<DaemonStatus | undefined> {
  try {
    return await daemonStatus(control, Math.max(POLL_MS, Math.min(PROBE_TIMEOUT_MS, Math.round(leftMs))))
  } catch (error) {
    if (isKefuError(error, 'KEFU_TIMEOUT')) return undefined
    throw error
  }
}

/** How a daemon is started in the background. */
export type StartOptions = {
  readonly control: ControlClient
  readonly dirs: Dirs
  /** Arguments of `kefu daemon run`, places and settings. */
  readonly runArguments: readonly string[]
  /** Asks for the passphrase of its credentials, when it needs one that somebody has to type. */
  readonly askPassphrase?: PassphraseSource | undefined
  readonly timeoutMs: number
  /** Its environment; this process's own when not given. */
  readonly environment?: NodeJS.ProcessEnv
  /** It stops when this process has ended, and is killed when it does not become ready. */
  readonly endsWithParent?: boolean
}

/**
 * Starts `kefu daemon run` in the background, its output going to the log file, and waits until it is ready. When the process ends before that, throws what it
 * said last: its own error with its code, or `KEFU_DAEMON_START_FAILED`. When it takes too long, throws `KEFU_DAEMON_START_FAILED` and leaves it running, unless
 * it is to end with this process.
 */
export async function startDaemon(options: StartOptions): Promise<DaemonStatus> {
  const { control, dirs, runArguments, askPassphrase, timeoutMs, endsWithParent = false } = options
  await ensureFolder(dirs.logDir)
  if (sizeOf(dirs.logFile) >= LOG_LIMIT_BYTES) {
    const { rotateLog } = await import('../../daemon/observe/log-sinks.js')
    rotateLog(dirs.logFile)
  }
  const begin = sizeOf(dirs.logFile)
  const toParent = [
    ...(askPassphrase === undefined ? [] : [ASKS_PARENT]),
    ...(endsWithParent ? [ENDS_WITH_PARENT] : []),
  ]
  const child = await spawnDetached(
    dirs.logFile,
    [...runArguments, ...toParent, '--log-file', dirs.logFile],
    toParent.length > 0,
    options.environment,
  )
  let isGone = false
  child.once('exit', () => (isGone = true))
  try {
    if (askPassphrase !== undefined) await answerChild(child, askPassphrase, timeoutMs)
    return await waitUntilReady(control, timeoutMs, async () => {
      if (isGone) throw await lastError(dirs.logFile, begin)
    })
  } catch (error) {
    if (endsWithParent) child.kill('SIGKILL')
    if (!isKefuError(error, 'KEFU_TIMEOUT')) throw error
    const then = endsWithParent ? '' : '; it goes on trying'
    throw new KefuError('KEFU_DAEMON_START_FAILED', { reason: `not ready after ${timeoutMs} ms${then}` })
  } finally {
    child.unref()
    child.channel?.unref()
  }
}

/** Waits until a daemon that was told to stop is gone: its socket and its process. Throws `KEFU_TIMEOUT`. */
export async function waitUntilGone(control: ControlClient, pid: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while ((await probe(control, deadline - performance.now())) !== undefined || isAlive(pid)) {
    if (performance.now() >= deadline) throw new KefuError('KEFU_TIMEOUT', { what: 'stopping', timeoutMs })
    await sleep(POLL_MS)
  }
}

async function spawnDetached(
  logFile: string,
  runArguments: readonly string[],
  hasChannel: boolean,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ChildProcess> {
  const program = process.argv[1]
  if (program === undefined) throw new KefuError('KEFU_INTERNAL', { reason: 'the program does not know its own path' })
  const log = await open(logFile, 'a', 0o600)
  try {
    const child = spawn(process.execPath, [...process.execArgv, program, 'daemon', 'run', '--json', ...runArguments], {
      detached: true,
      env: environment,
      // Its log goes to the file by itself; what it says while it dies goes there, too.
      stdio: ['ignore', 'ignore', log.fd, ...(hasChannel ? (['ipc'] as const) : [])],
    })
    child.once('error', () => undefined)
    return child
  } finally {
    await log.close()
  }
}

/** The last error line that a daemon wrote from a place on: its own error, or what stands there. */
async function lastError(logFile: string, begin: number): Promise<KefuError> {
  const bytes = await readFile(logFile)
  const written = bytes.subarray(begin <= bytes.length ? begin : 0).subarray(-TAIL_BYTES)
  const lines = written
    .toString('utf8')
    .split('\n')
    .filter(line => line.trim() !== '')
  for (const line of lines.toReversed()) {
    const found = reportedError(parsed(line))
    if (found !== undefined) return found
  }
  const reason = lines.at(-1)?.slice(0, 500) ?? 'it ended without a word'
  return new KefuError('KEFU_DAEMON_START_FAILED', { reason })
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // Not every line of a crash is JSON.
    return undefined
  }
}
