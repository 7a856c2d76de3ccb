import { type ChildProcess, fork } from 'node:child_process'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { endWithParent } from './children.js'

/** What a server process tells when it can be used. */
export type ChildReady = { readonly port: number; readonly channel: string; readonly agentTokens: readonly string[] }

/** What it tells when asked. */
export type ChildInfo = {
  readonly commits: number
  readonly committedRecords: number
  readonly eventLoopDelayMs?: { readonly p50: number; readonly p99: number; readonly max: number }
}

type Answer = { readonly ready: ChildReady } | { readonly info: ChildInfo }

const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 15_000

/** Child side: announces itself, answers questions, and ends when the parent says so or is gone. */
export function serveParent(
  ready: ChildReady,
  handlers: { info(): ChildInfo | Promise<ChildInfo>; stop(): Promise<void> },
): void {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const stop = (): void => {
    void handlers.stop().then(() => process.exit(0))
  }
  process.on('disconnect', stop)
  process.on('message', async question => {
    if (question === 'stop') stop()
    if (question === 'reset') delay.reset()
    if (question !== 'info') return
    const eventLoopDelayMs = {
      p50: delay.percentile(50) / 1e6,
      p99: delay.percentile(99) / 1e6,
      max: delay.max / 1e6,
    }
    process.send?.({ info: { ...(await handlers.info()), eventLoopDelayMs } } satisfies Answer)
  })
  process.send?.({ ready } satisfies Answer)
}

/** A server process of this project, seen from its parent. */
export type Child = {
  readonly ready: ChildReady
  readonly pid: number
  info(): Promise<ChildInfo>
  /** Starts the counting of event-loop delay anew. */
  reset(): void
  stop(): Promise<void>
}

/** Starts a script as a server process. Throws when it does not announce itself within 30 s. */
export async function startChild(
  file: URL,
  args: readonly string[],
  execArgv: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Child> {
  const child = fork(file, args, { execArgv: [...execArgv], stdio: ['ignore', 2, 2, 'ipc'], env })
  endWithParent(child)
  const exited = new Promise<never>((_, reject) => {
    child.once('exit', code => reject(new Error(`the server process ended with ${code}`)))
  })
  exited.catch(() => undefined)
  const ask = async <K extends string>(key: K, question?: string): Promise<unknown> => {
    const answer = nextAnswer(child, key)
    if (question !== undefined) child.send(question)
    return await Promise.race([answer, exited, expire(START_TIMEOUT_MS, `the server process to answer (${key})`)])
  }
  const ready = (await ask('ready')) as ChildReady
  return {
    ready,
    pid: child.pid ?? 0,
    info: async () => (await ask('info', 'info')) as ChildInfo,
    reset: () => void child.send('reset'),
    async stop() {
      const gone = new Promise<void>(resolve => {
        if (child.exitCode !== null) resolve()
        else child.once('exit', () => resolve())
      })
      if (child.connected) child.send('stop')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      await gone
      clearTimeout(timer)
    },
  }
}

function nextAnswer(child: ChildProcess, key: string): Promise<unknown> {
  return new Promise(resolve => {
    const listen = (answer: unknown): void => {
      if (typeof answer !== 'object' || answer === null || !(key in answer)) return
      child.off('message', listen)
      resolve((answer as Record<string, unknown>)[key])
    }
    child.on('message', listen)
  })
}

function expire(ms: number, what: string): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`waited ${ms / 1000} s for ${what}`)), ms).unref()
  })
}
