import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { ROOT } from './project.js'
import { endedBeforeRemoval } from './tmp-dir.js'

/** Settings that let a load test through, as `kefu.yaml`. */
export const LOAD_TEST_CONFIG = `http:
  port: 0
routing:
  capacity: 10000
limits:
  connectionsPerAddress: 100000
  socketsPerAddress: 100000
  messagesPer10s: 1000000
  newConversationsPerHour: 1000000
`

/** Asking more often costs the tests more than they wait less: a start asks some dozens of times. */
const READY_POLL_MS = 25

/** How a daemon process is started. */
export type DaemonProcessOptions = {
  readonly home: string
  /** Arguments of node in place of the CLI's `daemon run`. */
  readonly entry?: readonly string[]
  readonly config?: string
  readonly environment?: Readonly<Record<string, string>>
}

/** A real daemon in a process of its own. Its log goes to `daemon.log` in the home. */
export class DaemonProcess {
  readonly home: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  private constructor(home: string, child: ChildProcess) {
    this.home = home
    this.#child = child
    this.#exited = once(child, 'exit')
  }

  /** Starts a daemon and resolves when it is ready. Throws with the end of its log when it dies or is not ready within the time. */
  static async start(options: DaemonProcessOptions, timeoutMs = 60_000): Promise<DaemonProcess> {
    const daemon = DaemonProcess.spawn(options)
    try {
      await daemon.#ready(timeoutMs)
      return daemon
    } catch (error) {
      // Whoever asked for it has nothing to end it by; a child that lives on keeps the test file from ending.
      await daemon.kill()
      throw error
    }
  }

  /** Starts a daemon without waiting for it. */
  static spawn(options: DaemonProcessOptions): DaemonProcess {
    const { home } = options
    mkdirSync(home, { recursive: true, mode: 0o700 })
    if (options.config !== undefined) writeFileSync(join(home, 'kefu.yaml'), options.config, { mode: 0o640 })
    const entry = options.entry ?? [join(ROOT, 'bin/run.js'), 'daemon', 'run']
    const child = spawn(process.execPath, [...entry, '--home', home], {
      cwd: ROOT,
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(join(home, 'daemon.log'), { flags: 'a' })
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
    child.on('exit', () => log.end())
    const daemon = new DaemonProcess(home, child)
    endedBeforeRemoval(home, () => daemon.kill())
    return daemon
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Asks an operation of the control socket. Rejects with the error's report as text. */
  async control<T>(operation: string, body: object = {}): Promise<T> {
    const { status, text } = await this.#post(operation, body)
    if (status !== 200) throw new Error(`${operation} answered ${status}: ${text}`)
    return JSON.parse(text) as T
  }

  /** Where the sockets are, as `ws://host:port/v1/socket`. */
  async socketUrl(): Promise<string> {
    return (await this.control<{ address: { socket: string } }>('daemon.status')).address.socket
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** Ends the daemon in order; the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    await this.#exited
    return this.#child.exitCode
  }

  async #ready(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      if (this.#child.exitCode !== null)
        throw new Error(`the daemon ended with ${this.#child.exitCode}:\n${this.#logTail()}`)
      const answer = await this.#post('daemon.status', {}).catch(() => undefined)
      const status = answer?.status === 200 ? (JSON.parse(answer.text) as { state: string; pid: number }) : undefined
      // Another daemon may have the same folder.
      if (status?.state === 'running' && status.pid === this.pid) return
      if (performance.now() > deadline)
        throw new Error(`the daemon was not ready within ${timeoutMs} ms:\n${this.#logTail()}`)
      await new Promise(resolve => setTimeout(resolve, READY_POLL_MS))
    }
  }

  #post(operation: string, body: object): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const call = request(
        {
          socketPath: join(this.home, 'run', 'kefu.sock'),
          path: `/v1/${operation}`,
          method: 'POST',
          headers: { 'content-type': 'application/json', 'kefu-protocol': '1' },
          timeout: 10_000,
        },
        response => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        },
      )
      call.on('error', reject)
      call.end(JSON.stringify(body))
    })
  }

  #logTail(): string {
    try {
      return readFileSync(join(this.home, 'daemon.log'), 'utf8').slice(-2_000)
    } catch {
      return '(no log)'
    }
  }
}
