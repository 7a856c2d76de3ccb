import { openSync } from 'node:fs'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { isKefuError } from '../../src/errors.js'
import { answer, conversationId, message, opening } from '../conformance/store-bench.js'
import { createSystemClock } from '../helpers/manual-clock.js'

/**
 * A process with a store, told what to do on stdin and telling on stdout: one line each.
 *
 *   write CALLERS BYTES   appends without end; `acked CONVERSATION ID N` after each, `failed CODE MS` when refused
 *   hog COUNT             opens as many files; `hogged COUNT` with how many it got
 *   free                  closes them
 *   read                  `read COUNT`: how many records can be read
 *   state                 `state STATE`
 *   die COUNT             appends COUNT answers to each conversation and lets them be refused by their platform; `dead COUNT` at the end
 *   steer                 drops the dead ones with an even number, retries the others: `dropped CONVERSATION N` or `retried CONVERSATION N` after each,
 *                         `steered` at the end
 *   stop                  ends the appends, closes the store, ends
 */

const [path, prefix] = process.argv.slice(2)
const store = await openLevelStore({
  path: path!,
  clock: createSystemClock(),
  limits: { resumeFreeBytes: 4 * 1024 * 1024 },
})
const conversations = Array.from({ length: 20 }, (_, i) => conversationId(i))
const hogged: number[] = []
let isStopping = false
const writers: Promise<void>[] = []
let lines: string[] = []

function tell(line: string): void {
  if (lines.length === 0) setImmediate(flush)
  lines.push(line)
}

function flush(): void {
  process.stdout.write(`${lines.join('\n')}\n`)
  lines = []
}

async function write(caller: number, bytes: number): Promise<void> {
  const text = 'x'.repeat(bytes)
  for (let i = 0; !isStopping; i++) {
    const id = `${prefix}-${caller}-${i}`
    const conversation = conversations[(caller + i) % conversations.length]!
    for (;;) {
      const startedAt = performance.now()
      try {
        const { n } = await store.log.append(conversation, [message(id, text)], { id, opening: opening() })
        tell(`acked ${conversation} ${id} ${n}`)
        break
      } catch (error) {
        if (!isKefuError(error)) throw error
        tell(`failed ${error.code} ${Math.round(performance.now() - startedAt)}`)
        if (isStopping) return
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    }
  }
}

async function die(count: number): Promise<void> {
  const out = opening({ channel: 7, egress: 'outbox' })
  for (let i = 0; i < count; i++)
    await Promise.all(
      conversations.map(conversation =>
        store.log.append(conversation, [answer('ann', `${prefix}-${i}`)], { id: `${prefix}-${i}`, opening: out }),
      ),
    )
  const abort = new AbortController()
  let left = count * conversations.length
  const handler = async () => {
    if (--left === 0) abort.abort()
    return { type: 'dead', reason: 'refused' } as const
  }
  await store.outbox.work('ch:7', 32, handler, abort.signal)
  tell(`dead ${count * conversations.length}`)
}

async function steer(): Promise<void> {
  const { rows } = await store.outbox.rows({ states: ['dead'], limit: 10_000 })
  const steerer = async () => {
    for (let row = rows.shift(); row !== undefined; row = rows.shift()) {
      const { conversation, n } = row
      const isDropped = n % 2 === 0
      await (isDropped ? store.outbox.drop(conversation, n) : store.outbox.retry(conversation, n))
      tell(`${isDropped ? 'dropped' : 'retried'} ${conversation} ${n}`)
    }
  }
  await Promise.all(Array.from({ length: 8 }, steerer))
  tell('steered')
}

async function run(line: string): Promise<void> {
  const [command, ...values] = line.split(' ')
  const [first = 0, second = 0] = values.map(Number)
  switch (command) {
    case 'write':
      for (let caller = 0; caller < first; caller++) writers.push(write(caller, second))
      break
    case 'hog':
      try {
        while (hogged.length < first) hogged.push(openSync('/dev/null', 'r'))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
      }
      tell(`hogged ${hogged.length}`)
      break
    case 'free': {
      const { closeSync } = await import('node:fs')
      for (const file of hogged.splice(0)) closeSync(file)
      break
    }
    case 'read': {
      let count = 0
      for (const id of conversations) {
        for (let after = 0; ; ) {
          const page = await store.log.read(id, after, 1_000)
          if (page.length === 0) break
          after += page.length
          count += page.length
        }
      }
      tell(`read ${count}`)
      break
    }
    case 'die':
      await die(first)
      break
    case 'steer':
      await steer()
      break
    case 'state':
      tell(`state ${(await store.info()).state}`)
      break
    case 'stop':
      isStopping = true
      await Promise.all(writers)
      await store.close()
      flush()
      process.exit(0)
  }
}

tell('ready')
let input = ''
process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
  input += chunk
  const parts = input.split('\n')
  input = parts.pop()!
  for (const part of parts)
    run(part).catch(error => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
      process.exit(1)
    })
})
