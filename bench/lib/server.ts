import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from './child.js'
import type { LoadTarget } from './load.js'

/** A running server under test. */
export type Server = LoadTarget & {
  /** `kefu` or `bare`. */
  readonly name: string
  readonly pid: number
  info(): Promise<ServerInfo>
  /** Marks the beginning of a measurement. */
  mark(): void
  /** Ends the process and removes its folder. */
  stop(): Promise<void>
}

/** Facts that only the server knows. */
export type ServerInfo = {
  readonly commits: number
  readonly committedRecords: number
  /** Since the mark, or since the start where a server cannot tell. */
  readonly eventLoopDelayMs?: { readonly p50: number; readonly p99: number; readonly max: number }
}

/** A folder for one run. */
export type Scratch = { readonly folder: string; remove(): void }

/** Makes a folder on the disk that `KEFU_BENCH_DIR` names, else among the temporary ones. It is removed when this process ends, at the latest. */
export function createScratch(): Scratch {
  const folder = mkdtempSync(join(process.env.KEFU_BENCH_DIR ?? tmpdir(), 'kefu-bench-'))
  const remove = (): void => {
    process.off('exit', remove)
    rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', remove)
  return { folder, remove }
}

/** Starts the bare loop in an empty folder. */
export async function startBare(agents: number, execArgv: readonly string[] = []): Promise<Server> {
  const scratch = createScratch()
  const child = await startChild(new URL('./bare-server.js', import.meta.url), [scratch.folder], execArgv)
  return {
    name: 'bare',
    host: '127.0.0.1',
    port: child.ready.port,
    channel: child.ready.channel,
    agentTokens: Array.from({ length: agents }, (_, i) => `kat_${i}`),
    pid: child.pid,
    info: () => child.info(),
    mark: () => child.reset(),
    async stop() {
      await child.stop()
      scratch.remove()
    },
  }
}
