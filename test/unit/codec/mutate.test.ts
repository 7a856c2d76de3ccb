import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Fuzz, fuzzDecoder, fuzzInput } from '../../helpers/mutate.js'

const corpus = [Buffer.from('kefu 1,2,3'), Buffer.from('another entry of the corpus')]

const run = (overrides: Partial<Fuzz<unknown>>) =>
  fuzzDecoder<unknown>({
    name: 'sample',
    seed: 1,
    count: 300,
    corpus,
    decode: input => {
      if (!isEntry(input)) throw new TypeError('not an entry')
    },
    isExpectedError: error => error instanceof TypeError,
    ...overrides,
  })

describe('fuzzDecoder', () => {
  it('counts values and errors', async () => {
    const { values, errors } = await run({ decode: input => input.length < 10 || refuse(input) })
    assert.equal(values + errors, 300)
    assert.ok(values > 20 && errors > 20, `${values} values, ${errors} errors`)
  })

  it('catches an error of another type, synchronous or not', async () => {
    const decode = (input: Uint8Array) => {
      if (!isEntry(input)) throw new RangeError('another type')
    }
    await assert.rejects(run({ decode }), /sample: unexpected error; seed 1, input 0/)
    await assert.rejects(run({ decode: async input => decode(input) }), /unexpected error/)
  })

  it('catches a value that fails the check', async () => {
    await assert.rejects(
      run({ decode: input => input.length, check: length => assert.ok(Number(length) < 15) }),
      /unexpected error/,
    )
  })

  it('catches a call that takes too long', async () => {
    const decode = (input: Uint8Array) => {
      const end = performance.now() + (isEntry(input) ? 0 : 110)
      while (performance.now() < end);
    }
    await assert.rejects(run({ decode }), /took more than 100 ms/)
  })

  it('catches a call that allocates too much', async () => {
    const decode = (input: Uint8Array) => (isEntry(input) ? undefined : Buffer.alloc(80 * 1024 * 1024))
    await assert.rejects(run({ decode }), /allocated too much/)
  })

  it('catches memory that is kept', async () => {
    const kept: Uint8Array[] = []
    const decode = (input: Uint8Array) => {
      if (!isEntry(input)) kept.push(Buffer.alloc(512 * 1024))
    }
    await assert.rejects(run({ decode }), /memory grew/)
    assert.ok(kept.length > 128)
  })

  it('catches a changed prototype', async () => {
    const decode = (input: Uint8Array) => {
      if (!isEntry(input)) Object.defineProperty(Object.prototype, 'polluted', { value: 1, configurable: true })
    }
    try {
      await assert.rejects(run({ decode }), /a prototype changed/)
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted')
    }
  })

  it('refuses a corpus that is not valid', async () => {
    await assert.rejects(run({ corpus: [...corpus, Buffer.from('no')] }), /entry 2 of the corpus is not valid/)
  })
})

describe('fuzzInput', () => {
  it('depends on seed, index and corpus only', () => {
    const inputs = (seed: number) => Array.from({ length: 200 }, (_, index) => hex(fuzzInput(seed, index, corpus)))
    assert.deepEqual(inputs(5), inputs(5))
    assert.notDeepEqual(inputs(5), inputs(6))
    assert.ok(new Set(inputs(5)).size > 150)
  })

  it('makes the same inputs on every machine', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map(index => hex(fuzzInput(1, index, [Buffer.from('00010203', 'hex')]))),
      ['000103', '00011403011403', '0000ff03', '000102169103'],
    )
  })

  it('leaves the corpus as it was', () => {
    const before = corpus.map(hex)
    for (let index = 0; index < 500; index++) fuzzInput(2, index, corpus)
    assert.deepEqual(corpus.map(hex), before)
  })
})

function isEntry(input: Uint8Array): boolean {
  return corpus.some(entry => Buffer.compare(entry, input) === 0)
}

function refuse(input: Uint8Array): void {
  if (!isEntry(input)) throw new TypeError('too long')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
