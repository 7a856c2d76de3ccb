import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlClient, createControlClient, type DaemonStatus } from '../../src/daemon/control/client.js'
import { endWithParent } from './children.js'
import { ROOT } from './report.js'
import { createScratch, type Server, type ServerInfo } from './server.js'

/** Limits that a load test has to raise: they are there against what it does. Reports print them. */
export const RAISED_LIMITS = {
  KEFU_LIMITS_MESSAGES_PER_10S: '1000000',
  KEFU_LIMITS_NEW_CONVERSATIONS_PER_HOUR: '1000000',
  KEFU_LIMITS_CONNECTIONS_PER_ADDRESS: '1000',
  KEFU_LIMITS_SOCKETS_PER_ADDRESS: '1000000',
  KEFU_ROUTING_CAPACITY: '10000',
} as const

/** How to start a daemon. */
export type KefuOptions = {
  readonly agents: number
  /** Arguments of node, such as `--cpu-prof`. */
  readonly nodeArgs?: readonly string[]
  /** A home folder to keep; without one, a scratch folder is made and removed. */
  readonly home?: string
}

/** A daemon of this checkout: the real program. */
export type KefuServer = Server & {
  readonly control: ControlClient
  status(): Promise<DaemonStatus>
  readonly readyMs: number
}

const PROGRAM = join(ROOT, 'bin', 'run.js')
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000
const POLL_MS = 5

/** Starts `kefu daemon run`, waits until it is ready, makes a web channel and agents. Throws when it ends or is not ready within a minute. */
export async function startKefu({ agents, nodeArgs = [], home: kept }: KefuOptions): Promise<KefuServer> {
  const scratch = kept === undefined ? createScratch() : undefined
  const folder = kept ?? scratch?.folder ?? ''
  const home = join(folder, 'home')
  mkdirSync(home, { recursive: true })
  const socketPath = join(folder, 'kefu.sock')
  const startedAt = performance.now()
  const daemon = spawn(process.execPath, [...nodeArgs, PROGRAM, 'daemon', 'run', '--home', home], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...RAISED_LIMITS,
      KEFU_SOCKET: socketPath,
      KEFU_HTTP_PORT: '0',
      KEFU_LOG_LEVEL: 'error',
    },
  })
  endWithParent(daemon)
  const gone = new Promise<number | null>(resolve => daemon.once('exit', resolve))
  const client = createControlClient({ socketPath, home, version: '0.0.0', timeoutMs: 30_000 })
  const stop = async (): Promise<void> => {
    daemon.kill('SIGTERM')
    const timer = setTimeout(() => daemon.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await gone
    clearTimeout(timer)
    scratch?.remove()
  }
  try {
    const status = await Promise.race([
      waitUntilReady(client),
      gone.then(code => Promise.reject(new Error(`the daemon ended with ${code}`))),
    ])
    const readyMs = performance.now() - startedAt
    const address = new URL(status.address.socket ?? '')
    const channel = 'bench'
    await client.call('channel.add', { name: channel, kind: 'web', origins: [] })
    const agentTokens = []
    for (let i = 0; i < agents; i++) {
      const { token } = await client.call('agent.add', { name: `agent-${randomBytes(4).toString('hex')}` })
      if (token === undefined) throw new Error('the agent has no token')
      agentTokens.push(token)
    }
    return {
      name: 'kefu',
      host: address.hostname,
      port: Number(address.port),
      channel,
      agentTokens,
      pid: daemon.pid ?? 0,
      readyMs,
      control: client,
      status: () => client.call('daemon.status', {}),
      info: async () => infoOf(await client.call('daemon.status', {})),
      mark: () => undefined,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function infoOf({ store, eventLoopDelay }: DaemonStatus): ServerInfo {
  const { p50Ms, p99Ms, maxMs } = eventLoopDelay
  return {
    commits: store.commits,
    committedRecords: store.committedRecords,
    eventLoopDelayMs: { p50: p50Ms, p99: p99Ms, max: maxMs },
  }
}

async function waitUntilReady(client: ControlClient): Promise<DaemonStatus> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      const status = await client.call('daemon.status', {})
      if (status.state === 'running') return status
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    if (performance.now() > deadline) throw new Error('the daemon was not ready in time')
    await sleep(POLL_MS)
  }
}
