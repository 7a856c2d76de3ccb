import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { assertContiguous, readAll, until } from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'

const CHILD = fileURLToPath(new URL('./store-child.js', import.meta.url))

/** What was acknowledged: by message id, where. */
export type Ledger = Map<string, { readonly conversation: string; readonly n: number }>

/** A process with a store (`store-child.ts`) and what it has said. */
export class StoreProcess {
  readonly #child: ChildProcess
  readonly #exit: Promise<void>
  readonly #said = new Map<string, string[]>()
  #errors = ''
  #rest = ''
  readonly ledger: Ledger

  constructor(path: string, prefix: string, ledger: Ledger, shell?: string) {
    this.ledger = ledger
    const command = [process.execPath, CHILD, path, prefix]
    const [file, ...args] = shell === undefined ? command : ['bash', '-c', `${shell}; exec "$@"`, 'bash', ...command]
    this.#child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stdout!.setEncoding('utf8').on('data', (chunk: string) => this.#hear(chunk))
    this.#child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      this.#errors += chunk
    })
    this.#exit = new Promise(resolve => this.#child.once('exit', () => resolve()))
  }

  /** Lines of a kind, without the kind, that have been said so far. */
  said(kind: string): readonly string[] {
    return this.#said.get(kind) ?? []
  }

  tell(line: string): void {
    this.#child.stdin!.write(`${line}\n`)
  }

  /** The next line of a kind after telling something. */
  async ask(line: string, kind: string): Promise<string> {
    const count = this.said(kind).length
    this.tell(line)
    await this.until(`an answer to "${line}"`, () => this.said(kind).length > count)
    return this.said(kind).at(-1)!
  }

  async until(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
    await until(
      what,
      () => {
        assert.equal(this.#child.exitCode, null, `the process has ended: ${this.#errors}`)
        return condition()
      },
      timeoutMs,
    )
  }

  /** Kills it where it stands. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exit
  }

  /** Lets it close its store. */
  async stop(): Promise<void> {
    this.tell('stop')
    await this.#exit
    assert.equal(this.#child.exitCode, 0, this.#errors)
  }

  #hear(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      const [kind, ...words] = line.split(' ')
      if (kind === 'acked') {
        const [conversation, id, n] = words
        this.ledger.set(id!, { conversation: conversation!, n: Number(n) })
      }
      const said = this.#said.get(kind!)
      if (said === undefined) this.#said.set(kind!, [words.join(' ')])
      else said.push(words.join(' '))
    }
  }
}

/** Opens a store and compares it with what was acknowledged: nothing lost, nothing twice, nothing in another place, no hole. */
export async function assertKept(path: string, ledger: Ledger): Promise<void> {
  const startedAt = performance.now()
  const store = await openLevelStore({ path, clock: createManualClock() })
  try {
    assert.ok(performance.now() - startedAt < 3_000, 'ready within 3 s')
    assert.deepEqual((await store.info()).damage, [])
    const places = new Map<string, { readonly conversation: string; readonly n: number }>()
    for (const conversation of new Set([...ledger.values()].map(place => place.conversation))) {
      const records = await readAll(store.log, conversation as ConversationId, 1_000)
      assertContiguous(records)
      for (const { n, body } of records) {
        if (body.type !== 'message') continue
        assert.equal(places.has(body.id!), false, `${body.id} is there twice`)
        places.set(body.id!, { conversation, n })
      }
    }
    for (const [id, place] of ledger) assert.deepEqual(places.get(id), place, id)
    assert.deepEqual((await store.check({ deep: true })).findings, [])
  } finally {
    await store.close()
  }
}
