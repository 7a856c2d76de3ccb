import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConversationId, formatConversationId } from '../src/codec/conversation-id.js'
import { systemClock } from '../src/daemon/clock.js'
import { resolveDirs } from '../src/daemon/config/dirs.js'
import type { LogRecord } from '../src/daemon/core/log-record.js'
import type { LogPort } from '../src/daemon/core/ports.js'
import { conversationPages } from '../src/daemon/engine/history/conversation-pages.js'
import { createReadingTurns } from '../src/daemon/engine/history/reading-turns.js'
import { showConversation } from '../src/daemon/engine/history/show.js'
import { openLevelStore } from '../src/daemon/store/level/open.js'
import { loadServerSecret } from '../src/daemon/vault/server-secret.js'
import { readFlags } from './lib/arguments.js'
import { startKefu } from './lib/kefu.js'
import { median, round } from './lib/latency.js'
import { progress, ROOT, report } from './lib/report.js'
import { createScratch } from './lib/server.js'
import { createTexts } from './lib/texts.js'

/** How long the newest messages of a long conversation take, inside the daemon and from the shell. Prints one JSON document. */

const flags = readFlags({
  messages: { type: 'number', default: 10_000, min: 1, max: 1_000_000, doc: 'messages that are read' },
  conversations: {
    type: 'number',
    default: 20,
    min: 1,
    max: 1_000,
    doc: 'conversations of twice as many messages each',
  },
  runs: { type: 'number', default: 15, min: 1, max: 500, doc: 'runs of each kind' },
  bytes: { type: 'number', default: 120, min: 1, max: 4_000, doc: 'bytes of text in a message' },
})

const PROGRAM = join(ROOT, 'bin', 'run.js')
const AT_ONCE = 100
const LINES_LIMIT_BYTES = 1024 * 1024 * 1024
const never = new AbortController().signal
const includes = ({ body }: LogRecord): boolean => body.type === 'message'
const idOf = (index: number): ConversationId => formatConversationId(Buffer.alloc(16, index + 1))

const scratch = createScratch()
try {
  const home = join(scratch.folder, 'home')
  const { storeDir, secretFile } = resolveDirs({
    home,
    environment: {},
    userHome: home,
    temporaryDir: home,
    uid: undefined,
  })
  await mkdir(home, { recursive: true, mode: 0o700 })
  await loadServerSecret(secretFile)
  progress(`writing ${flags.conversations} conversations`)
  await fill(storeDir)

  const store = await openLevelStore({ path: storeDir, clock: systemClock })
  const read = await timed(() => readAndDecode(store.log))
  const lines = await timed(() => asLines(store.log))
  await store.close()

  const server = await startKefu({ agents: 0, home: scratch.folder })
  const shell: number[] = []
  const version: number[] = []
  try {
    const socket = ['--socket', join(scratch.folder, 'kefu.sock')]
    for (let i = 0; i < flags.runs; i++) {
      const args = ['history', 'show', idOf(i % flags.conversations), '--json', '--limit', String(flags.messages)]
      const { ms, stdout } = run([...args, ...socket])
      const count = stdout.toString('latin1').split('\n').length - 1
      if (count !== flags.messages) throw new Error(`${count} lines came`)
      shell.push(ms)
      version.push(run(['version']).ms)
    }
  } finally {
    await server.stop()
  }
  report('history-show', flags, {
    daemonMs: { readAndDecode: figures(read), asLinesOfJson: figures(lines) },
    shellMs: { show: figures(shell), anEmptyCommand: figures(version) },
  })
} finally {
  scratch.remove()
}

async function fill(path: string): Promise<void> {
  const store = await openLevelStore({ path, clock: systemClock })
  const texts = createTexts(flags.bytes)
  // In turn, so that the messages of one conversation do not lie side by side before they are compacted.
  for (let k = 0; k < 2 * flags.messages; k += AT_ONCE) {
    const appends = Array.from({ length: flags.conversations }, (_, index) => {
      const bodies = Array.from({ length: AT_ONCE }, (_, j) => ({
        type: 'message' as const,
        by: { role: 'contact' as const },
        id: `fill-${k + j}`,
        parts: [{ type: 'text' as const, text: texts[(k + j + index) % texts.length]! }],
      }))
      const opening = { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: `v_${index}` } as const
      return store.log.append(idOf(index), bodies, { opening })
    })
    await Promise.all(appends)
  }
  await store.close()
}

/** Of another conversation each time: what is read is not in the cache of decoded records, as there is none, nor always in that of blocks. */
async function timed(work: () => (conversation: ConversationId) => Promise<number>): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < flags.runs; i++) {
    const begin = performance.now()
    const count = await work()(idOf(i % flags.conversations))
    times.push(performance.now() - begin)
    if (count !== flags.messages) throw new Error(`${count} messages came`)
  }
  return times
}

function readAndDecode(log: LogPort): (conversation: ConversationId) => Promise<number> {
  return async conversation => {
    const head = await log.head(conversation)
    let count = 0
    const range = { limit: flags.messages, includes }
    for await (const page of conversationPages(
      { log, turns: createReadingTurns() },
      conversation,
      head!.n,
      range,
      never,
    ))
      count += page.length
    return count
  }
}

function asLines(log: LogPort): (conversation: ConversationId) => Promise<number> {
  return async conversation => {
    const ports = { log, turns: createReadingTurns(), channelName: String }
    const request = { conversation, limit: flags.messages, all: false, follow: false }
    let bytes = 0
    for await (const chunk of showConversation(ports, request, never)) bytes += chunk.length
    return bytes > flags.messages ? flags.messages : 0
  }
}

function run(args: readonly string[]): { readonly ms: number; readonly stdout: Buffer } {
  const begin = performance.now()
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: LINES_LIMIT_BYTES,
  })
  const ms = performance.now() - begin
  if (status !== 0) throw new Error(`kefu ${args.join(' ')} ended with ${status}`)
  return { ms, stdout }
}

function figures(times: readonly number[]): object {
  return { median: round(median(times), 1), best: round(Math.min(...times), 1), worst: round(Math.max(...times), 1) }
}
