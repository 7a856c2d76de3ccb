import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { CliResult } from './cli.js'
import { ROOT } from './project.js'

type Job = {
  readonly words: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly resolve: (result: CliResult) => void
  readonly reject: (error: Error) => void
}

/** How long one command may take. */
const LIMIT_MS = 30_000

/** A process that runs command lines one after the other. It is there from the first one on, and ends with this process. */
export class CliBatch {
  #child: ChildProcess | undefined
  readonly #jobs: Job[] = []
  #limit: NodeJS.Timeout | undefined

  /** Runs one command line with this environment, behind those that wait. */
  run(words: readonly string[], env: NodeJS.ProcessEnv): Promise<CliResult> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ words, env, resolve, reject })
      if (this.#jobs.length > 1) return
      if (this.#child === undefined) this.#start()
      else this.#next()
    })
  }

  #start(): void {
    const child = fork(join(ROOT, 'test/helpers/cli-batch-child.js'), {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    })
    this.#child = child
    child.on('message', message => {
      if (message !== 'ready') this.#jobs.shift()!.resolve(message as CliResult)
      this.#next()
    })
    child.on('exit', code => this.#lost(new Error(`the process of the commands ended with ${code}`)))
    this.#expect()
  }

  #next(): void {
    clearTimeout(this.#limit)
    const job = this.#jobs[0]
    if (job === undefined) {
      // Nothing keeps this process, and the other one ends with it.
      this.#child?.unref()
      this.#child?.channel?.unref()
      return
    }
    this.#child?.channel?.ref()
    this.#expect()
    this.#child?.send({ words: job.words, env: job.env })
  }

  #expect(): void {
    this.#limit = setTimeout(() => this.#child?.kill('SIGKILL'), LIMIT_MS)
  }

  #lost(error: Error): void {
    clearTimeout(this.#limit)
    this.#child = undefined
    for (const { words, reject } of this.#jobs.splice(0)) {
      reject(new Error(`kefu ${words.join(' ')}: ${error.message}`))
    }
  }
}
