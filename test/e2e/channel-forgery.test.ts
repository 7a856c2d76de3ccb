import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/emulator/core/clock.js'
import type { PlatformEmulator } from '../../src/emulator/core/platform-emulator.js'
import { EMULATORS } from '../../src/emulator/emulators.js'
import { Random } from '../helpers/random.js'
import { parseResponses, rawRequest } from '../helpers/raw-http.js'
import { until } from '../helpers/until.js'
import { PlatformHouse } from './platform-house.js'
import { PLATFORM_ROWS, type PlatformRow } from './platform-rows.js'
import type { PlatformSide } from './platform-side.js'

const MUTANTS = 10_000
const COPIES = 1_000
const CONNECTIONS = 64
const DEADLINE_MS = 10_000
/** Older than what a signature bears, and ahead of it. */
const STALE_MS = [-600_000, 600_000] as const

/** A callback as it comes over the wire. */
type Callback = { readonly query: string; readonly headers: OutgoingHttpHeaders; readonly body: Buffer }

/** Chance that two emulators share: they play the same account. */
function chance(seed: number): (length: number) => Uint8Array {
  const random = new Random(seed)
  return length => Uint8Array.from({ length }, () => random.integer(0, 255))
}

/** What emulators push to the address, each to be had once. */
async function catcher(t: TestContext): Promise<(emulator: PlatformEmulator, text: string) => Promise<Callback>> {
  const caught: { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = []
  const server = createServer(async (message, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk)
    caught.push({ url: message.url!, headers: message.headers, body: Buffer.concat(chunks) })
    response.end('success')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const pushers = new Set<PlatformEmulator['core']['pusher']>()
  t.after(() => {
    for (const pusher of pushers) pusher.close()
    server.closeAllConnections()
    server.close()
  })
  return async ({ core, say }, text) => {
    pushers.add(core.pusher)
    core.pusher.setTarget(origin)
    assert.equal((await say('li', { type: 'text', text })).state, 'delivered')
    const { url, headers, body } = caught.pop()!
    const { host, connection, 'content-length': length, ...rest } = headers
    return { query: new URL(url, origin).search, headers: rest, body }
  }
}

/** Everything that is signed, or is the signature: where a flipped bit has to be noticed. */
function flip({ query, headers, body }: Callback, row: PlatformRow, random: Random): Callback {
  const [place, name] = random.pick(row.signed)
  if (place === 'query') {
    const params = new URLSearchParams(query)
    const value = Buffer.from(params.get(name)!)
    params.set(name, flipped(value, random).toString('latin1'))
    return { query: `?${params}`, headers, body }
  }
  if (place === 'header') {
    const value = flipped(Buffer.from(String(headers[name]).replace(/^(v1,)?/, '')), random, /[!-~]/)
    const prefix = String(headers[name]).startsWith('v1,') ? 'v1,' : ''
    return { query, headers: { ...headers, [name]: prefix + value.toString('latin1') }, body }
  }
  const [start, end] = name === '' ? [0, body.length] : rangeOf(body, name)
  const changed = Buffer.from(body)
  flipped(body.subarray(start, end), random).copy(changed, start)
  return { query, headers, body: changed }
}

/** A copy with one bit turned: of bytes that stand for something, with what they stand for changed. */
function flipped(bytes: Buffer, random: Random, allowed = /./s): Buffer {
  for (;;) {
    const at = random.integer(0, bytes.length - 1)
    const byte = bytes[at]! ^ (1 << random.integer(0, 7))
    if (!allowed.test(String.fromCharCode(byte))) continue
    const copy = Buffer.from(bytes)
    copy[at] = byte
    // The last character of base64 has bits that mean nothing.
    const meaning = (text: Buffer): Buffer => Buffer.from(text.toString('latin1'), 'base64')
    if (!meaning(copy).equals(meaning(bytes))) return copy
  }
}

function rangeOf(body: Buffer, pattern: string): readonly [number, number] {
  const found = new RegExp(pattern, 'd').exec(body.toString('latin1'))!.indices![1]!
  return found
}

/** The rest of what a forger may try: less of the body or of the query, one of the two from another callback. */
function cut({ query, headers, body }: Callback, random: Random, row: PlatformRow): Callback {
  const names = row.signed.flatMap(([place, name]) => (place === 'query' ? [name] : []))
  const isQuery = names.length > 0 && random.integer(0, 1) === 0
  if (!isQuery) return { query, headers, body: body.subarray(0, random.integer(0, body.length - 1)) }
  const params = new URLSearchParams(query)
  const name = random.pick(names)
  const value = params.get(name)!
  const length = random.integer(0, value.length - 1)
  if (length === 0) params.delete(name)
  else params.set(name, value.slice(0, length))
  return { query: `?${params}`, headers, body }
}

/** Sends callbacks, a bounded number at once, over connections that are kept; how many answers there were of each status. */
async function sendAll(
  { gate, channel }: PlatformSide,
  count: number,
  callback: (index: number) => Callback,
): Promise<Readonly<Record<number, number>>> {
  const statuses: Record<number, number> = {}
  let next = 0
  const worker = async (): Promise<void> => {
    const socket = connect(gate.port, '127.0.0.1')
      .setNoDelay()
      .setTimeout(DEADLINE_MS, () => socket.destroy())
    let answered: (status: number) => void = () => {}
    let bytes = Buffer.alloc(0)
    socket.on('data', chunk => {
      bytes = Buffer.concat([bytes, chunk])
      const [answer] = parseResponses(bytes)
      if (answer === undefined) return
      bytes = Buffer.alloc(0)
      answered(answer.status)
    })
    const isLost = once(socket, 'close').then(() => 0)
    while (next < count && !socket.destroyed) {
      const request = bytesOf(channel, callback(next++))
      const status = await Promise.race([
        isLost,
        new Promise<number>(resolve => {
          answered = resolve
          socket.write(request)
        }),
      ])
      statuses[status] = (statuses[status] ?? 0) + 1
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  return statuses
}

function bytesOf(channel: string, { query, headers, body }: Callback): Buffer {
  const lines = Object.entries({ ...headers, 'content-length': body.length }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const path = `/v1/channels/${channel}/callback${query}`
  return Buffer.concat([Buffer.from(rawRequest('POST', path, lines)), body])
}

/** An emulator whose account is of this number, by a clock that may be ahead. */
function make({ kind }: PlatformRow, account: number, aheadMs = 0): PlatformEmulator {
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
  return EMULATORS[kind]({}, { clock, random: chance(account) })
}

const accountOf = (row: PlatformRow): number => 1 + PLATFORM_ROWS.indexOf(row)

/** A good callback, and good ones of another account or another time. */
async function captured(t: TestContext, { row, emulator }: PlatformSide) {
  const capture = await catcher(t)
  const good = await capture(emulator, 'good')
  const others: Callback[] = []
  for (let i = 0; i < 20; i++) others.push(await capture(make(row, 100), `of another channel ${i}`))
  for (const aheadMs of STALE_MS)
    for (let i = 0; i < 10; i++) others.push(await capture(make(row, accountOf(row), aheadMs), `stale ${i}`))
  return { good, others }
}

test('callbacks that the platform did not send, or sent before', async t => {
  const house = await PlatformHouse.open(t, row => make(row, accountOf(row)))
  for (const side of house.sides)
    await t.test(
      `${side.row.kind}: of ${MUTANTS} mutants none is taken, and ${COPIES} copies are stored once`,
      async t => {
        const { row } = side
        const random = new Random(Number(process.env.KEFU_TEST_SEED ?? 4))
        const { good, others } = await captured(t, side)
        const statuses = await sendAll(side, MUTANTS, index => {
          if (index % 10 === 0) return others[(index / 10) % others.length]!
          return index % 10 < 3 ? cut(good, random, row) : flip(good, row, random)
        })
        assert.deepEqual(statuses, { 403: MUTANTS })
        const { counts } = await side.lane()
        assert.deepEqual([counts.received, counts.duplicates], [0, 0])
        const { conversations } = await side.control('queue.list')
        assert.deepEqual(
          conversations.filter(({ channel }) => channel === side.channel),
          [],
        )
        assert.deepEqual(side.calls, [], 'the platform is asked nothing')

        assert.deepEqual(await sendAll(side, COPIES, () => good), { 200: COPIES })
        await until('the message', () => side.talk('li').length > 0)
        const after = (await side.lane()).counts
        // A signal is no message: what it is about is fetched once.
        assert.deepEqual([after.received, after.duplicates], [1, row.pullPath === undefined ? COPIES - 1 : 0])
      },
    )
  assert.deepEqual(await house.stop(), [])
  for (const side of house.sides) assert.deepEqual(side.talk('li'), ['contact good'])
})
