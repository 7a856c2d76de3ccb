import assert from 'node:assert/strict'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Random } from './random.js'

/**
 * Fuzzing of decoders: inputs are seeded mutations of valid ones. Input `index` of a run depends on the seed, the index and the corpus only,
 * so a failure is replayed with `fuzzInput(seed, index, corpus)`.
 */

/** Integers that decoders get wrong: the ends of every width, signs, and lengths that promise more than is there. */
const INTERESTING = [
  0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0xff_ffff, 0x7fff_ffff,
  0x8000_0000, 0xffff_fffe, 0xffff_ffff,
] as const

const LENGTH_LIMIT = 128 * 1024

/** A mutation of one entry of `corpus`, sometimes spliced with another: one to six changes, at most 128 KiB. The corpus is not changed. */
export function mutate(random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  let bytes = Buffer.from(random.pick(corpus))
  for (let left = random.integer(1, 6); left > 0; left--) bytes = change(random, bytes, corpus)
  return bytes.subarray(0, LENGTH_LIMIT)
}

/** Input number `index` of the run with this seed and corpus. */
export function fuzzInput(seed: number, index: number, corpus: readonly Uint8Array[]): Uint8Array {
  return mutate(new Random(seed + Math.imul(index, 0x9e3779b1)), corpus)
}

/** One fuzz run. */
export type Fuzz<T> = {
  /** Name of the decoder, for messages. */
  readonly name: string
  readonly seed: number
  /** Inputs to try; without it 20,000, or 200,000 with KEFU_TEST_LONG=1. */
  readonly count?: number
  /** Valid inputs to start from: each must decode to a value. */
  readonly corpus: readonly Uint8Array[]
  readonly decode: (bytes: Uint8Array) => T | Promise<T>
  /** Whether a thrown value is the decoder's one error type. */
  readonly isExpectedError: (error: unknown) => boolean
  /** What must hold for every value that was decoded; throws otherwise. */
  readonly check?: (value: T, bytes: Uint8Array) => void
}

/** How many inputs gave a value and how many the expected error. */
export type FuzzResult = { readonly values: number; readonly errors: number }

/** Inputs of a run when it names none. */
export const FUZZ_COUNT = process.env.KEFU_TEST_LONG === '1' ? 200_000 : 20_000

const CALL_LIMIT_MS = 100
const GROWTH_LIMIT_BYTES = 64 * 1024 * 1024

/**
 * Feeds a decoder with mutations and asserts for every one: a value or the expected error, within 100 ms, and no more than 64 MiB allocated by the call.
 * For the run: no more than 64 MiB are kept, and no built-in prototype has changed.
 */
export async function fuzzDecoder<T>(fuzz: Fuzz<T>): Promise<FuzzResult> {
  const { name, seed, corpus, decode, count = FUZZ_COUNT } = fuzz
  for (const [index, entry] of corpus.entries()) {
    try {
      await decode(Uint8Array.from(entry))
    } catch (cause) {
      throw new Error(`${name}: entry ${index} of the corpus is not valid`, { cause })
    }
  }
  const { stackTraceLimit } = Error
  const prototypes = describePrototypes()
  let leastBytes = usedBytes()
  let values = 0
  let errors = 0
  for (let index = 0; index < count; index++) {
    const bytes = fuzzInput(seed, index, corpus)
    const beforeBytes = usedBytes()
    leastBytes = Math.min(leastBytes, beforeBytes)
    const started = performance.now()
    // Thousands of refusals are made and thrown away: their stacks are most of what they cost.
    Error.stackTraceLimit = 0
    try {
      const pending = decode(bytes)
      const value = pending instanceof Promise ? await pending : pending
      values++
      fuzz.check?.(value, bytes)
    } catch (error) {
      Error.stackTraceLimit = stackTraceLimit
      if (!fuzz.isExpectedError(error))
        throw failure(fuzz, index, bytes, 'unexpected error', await thrownAgain(fuzz, bytes, error))
      errors++
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
    if (performance.now() - started > CALL_LIMIT_MS && (await fastestMs(decode, bytes)) > CALL_LIMIT_MS)
      throw failure(fuzz, index, bytes, `took more than ${CALL_LIMIT_MS} ms`)
    if (usedBytes() - beforeBytes > GROWTH_LIMIT_BYTES) throw failure(fuzz, index, bytes, 'allocated too much')
    if (index % 1000 === 0 && describePrototypes() !== prototypes)
      throw failure(fuzz, index, bytes, 'a prototype changed in the last 1000 inputs')
  }
  assert.equal(describePrototypes(), prototypes, `${name}: a prototype changed`)
  if (usedBytes() - leastBytes > GROWTH_LIMIT_BYTES) {
    // Garbage may wait for its collection; only what survives one has been kept.
    collectGarbage()
    const growthBytes = usedBytes() - leastBytes
    assert.ok(growthBytes <= GROWTH_LIMIT_BYTES, `${name}: memory grew by ${growthBytes} bytes`)
  }
  return { values, errors }
}

/** What an input throws when it is decoded once more, now with its stack; what it threw first, if it no longer throws. */
async function thrownAgain<T>({ decode, check }: Fuzz<T>, bytes: Uint8Array, first: unknown): Promise<unknown> {
  try {
    check?.(await decode(bytes), bytes)
    return first
  } catch (error) {
    return error
  }
}

function change(random: Random, bytes: Buffer, corpus: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const at = random.integer(0, bytes.length)
  const length = random.integer(0, Math.min(bytes.length - at, 64))
  const out = Buffer.from(bytes)
  switch (random.integer(0, 10)) {
    case 0:
    case 1:
      if (at < out.length) out[at]! ^= 1 << random.integer(0, 7)
      return out
    case 2:
      if (at < out.length) out[at] = random.integer(0, 255)
      return out
    case 3:
      return out.subarray(0, at)
    case 4:
      return Buffer.concat([out.subarray(0, at), noise(random), out.subarray(at)])
    case 5:
      return Buffer.concat([out.subarray(0, at + length), out.subarray(at)])
    case 6:
      return Buffer.concat([out.subarray(0, at), out.subarray(at + length)])
    case 7:
      return out.fill(random.integer(0, 1) === 0 ? 0x00 : 0xff, at, at + length)
    case 8:
    case 9:
      return writeInteresting(random, out)
    default: {
      const other = random.pick(corpus)
      return Buffer.concat([out.subarray(0, at), other.subarray(random.integer(0, other.length))])
    }
  }
}

function writeInteresting(random: Random, bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const width = random.integer(1, 4)
  if (bytes.length < width) return bytes
  const at = random.integer(0, bytes.length - width)
  const value = random.pick(INTERESTING) % 256 ** width
  if (random.integer(0, 1) === 0) bytes.writeUIntBE(value, at, width)
  else bytes.writeUIntLE(value, at, width)
  return bytes
}

function noise(random: Random): Buffer {
  const bytes = Buffer.alloc(random.integer(1, 16))
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.integer(0, 255)
  return bytes
}

/** The scheduler and the collector add to a measured time and never take away: the fastest of five is the decoder's own. */
async function fastestMs(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const started = performance.now()
    try {
      await decode(bytes)
    } catch {
      // The first call has judged the error.
    }
    fastest = Math.min(fastest, performance.now() - started)
  }
  return fastest
}

function usedBytes(): number {
  const heap = getHeapStatistics()
  return heap.used_heap_size + heap.external_memory
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
}

function describePrototypes(): string {
  return [Object.prototype, Array.prototype, Function.prototype, String.prototype]
    .map(prototype => Reflect.ownKeys(prototype).map(String).join(' '))
    .join('\n')
}

function failure<T>(fuzz: Fuzz<T>, index: number, bytes: Uint8Array, what: string, cause?: unknown): Error {
  const hex = Buffer.from(bytes).toString('hex')
  const shown = hex.length > 4000 ? `${hex.slice(0, 4000)}… (${bytes.length} bytes)` : hex
  return new Error(`${fuzz.name}: ${what}; seed ${fuzz.seed}, input ${index}: ${shown}`, { cause })
}
