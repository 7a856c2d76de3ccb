import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Part } from '../../../src/codec/wire.js'
import type { Capabilities } from '../../../src/daemon/core/channel-adapter.js'
import { graphemesOf } from '../../../src/daemon/core/graphemes.js'
import { piecesOf as allPieces } from '../../../src/daemon/core/pieces.js'
import { NOTHING_SENT, type OutboxProgress } from '../../../src/daemon/core/ports.js'
import { splitText as split, type TextLimit } from '../../../src/daemon/core/text-pieces.js'
import { unicode } from '../../helpers/arbitraries.js'

const UNITS = ['bytes', 'utf16', 'characters'] as const

const SEGMENTER = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Counted as platforms count, and not as the code under test does. */
function sizeOf(text: string, unit: TextLimit['unit']): number {
  if (unit === 'bytes') return Buffer.byteLength(text)
  return unit === 'utf16' ? text.length : [...text].length
}

const splitText = (text: string, limit: TextLimit) => split(text, limit).map(piece => piece.text)
const piecesOf = (parts: readonly Part[], of: Capabilities) => allPieces(parts, of).map(({ part }) => part)

function segmentsOf(text: string): readonly string[] {
  return [...SEGMENTER.segment(text)].map(({ segment }) => segment)
}

function capabilities(text: TextLimit, outbound: readonly Part['type'][] = ['text']): Capabilities {
  return { inbound: [], outbound, text, mediaLimitBytes: {}, grants: {}, recognisesRepeats: false }
}

/** What a person sees as one character, in many code points, and what joins or does not. */
const awkward = fc.constantFrom(
  ...[
    '👨‍👩‍👧‍👦',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    '🇨🇳',
    '🇨',
    '🇳',
    '👍🏽',
    'é',
    'a\u0301\u0323',
    '한',
    'ᄒ',
    'ᅡ',
    'ᆫ',
    'नि',
    'ที่',
    '\u200d',
    '\u0301',
    '\r\n',
    '\r',
    '\n',
  ],
  ...[
    '\n\n',
    ' ',
    '  ',
    '\u3000',
    '. ',
    '。',
    '！”',
    '，',
    'word ',
    'https://shop.example/a/b?c=d',
    '你好',
    '\u{20000}',
    '\u{1f9d1}\u200d\u{1f680}',
  ],
)

const texts = fc.array(fc.oneof(awkward, unicode(0, 8)), { minLength: 1, maxLength: 60 }).map(words => words.join(''))

/** Where the pieces begin and end in the text, of which they leave out nothing but blanks. */
function placesOf(text: string, pieces: readonly string[]): readonly number[] {
  const places: number[] = []
  let at = 0
  for (const piece of pieces) {
    while (!text.startsWith(piece, at)) {
      assert.match(text[at] ?? 'the end', /^\s$/, `left out at ${at} of ${JSON.stringify(text)}`)
      at++
    }
    places.push(at, at + piece.length)
    at += piece.length
  }
  assert.match(text.slice(at), /^\s*$/)
  return places
}

/** Where a text may be cut: between graphemes, and between the code points of those that are too long. */
function cutsOf(text: string, isTooLong: (grapheme: string) => boolean): ReadonlySet<number> {
  const cuts = new Set([0])
  let at = 0
  for (const grapheme of segmentsOf(text)) {
    for (const unit of isTooLong(grapheme) ? grapheme : [grapheme]) {
      at += unit.length
      cuts.add(at)
    }
  }
  return cuts
}

describe('graphemes', () => {
  test('are the same as those of the whole text, wherever the windows end', () => {
    const long = fc.array(fc.tuple(awkward, fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(long, runs => {
        const text = runs.map(([base, count]) => base.repeat(count)).join('')
        assert.deepEqual(graphemesOf(text), segmentsOf(text))
      }),
      { numRuns: 200 },
    )
    assert.deepEqual(graphemesOf(''), [])
  })
})

describe('long texts', () => {
  test('are cut into pieces within the limit that are the text together, with whole graphemes', () => {
    fc.assert(
      fc.property(texts, fc.constantFrom(...UNITS), fc.integer({ min: 4, max: 120 }), (text, unit, max) => {
        const pieces = splitText(text, { unit, max })
        if (sizeOf(text, unit) <= max) assert.deepEqual(pieces, [text])
        for (const piece of pieces) {
          assert.ok(sizeOf(piece, unit) <= max, `${sizeOf(piece, unit)} > ${max}`)
          assert.ok(piece.isWellFormed())
        }
        if (text.trim() !== '') for (const piece of pieces) assert.notEqual(piece.trim(), '')
        const cuts = cutsOf(text, grapheme => sizeOf(grapheme, unit) > max)
        for (const place of placesOf(text, pieces)) assert.ok(cuts.has(place), `cut at ${place}`)
      }),
      { numRuns: 1_500 },
    )
  })

  test('keep together what belongs together, whatever the unit', () => {
    for (const grapheme of ['👨‍👩‍👧‍👦', '🇨🇳', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'a\u0301\u0323\u0302', '\u{20000}', 'नि']) {
      for (const unit of UNITS) {
        const size = sizeOf(grapheme, unit)
        for (const max of [size, size + 1, 2 * size + 1, 3 * size - 1]) {
          if (max < 4) continue
          const pieces = splitText(grapheme.repeat(20), { unit, max })
          assert.equal(pieces.join(''), grapheme.repeat(20))
          for (const piece of pieces) assert.equal(piece.length % grapheme.length, 0, `${grapheme} by ${max} ${unit}`)
        }
      }
    }
  })

  test('cut a grapheme that is longer than a piece at code points', () => {
    const tower = `a${'\u0301'.repeat(50)}`
    const pieces = splitText(`before ${tower} after`, { unit: 'bytes', max: 20 })
    assert.equal(pieces.join(''), `before ${tower} after`)
    for (const piece of pieces) assert.ok(Buffer.byteLength(piece) <= 20)
    const family = '👨‍👩‍👧‍👦'
    const halves = splitText(family.repeat(3), { unit: 'bytes', max: 8 })
    assert.equal(halves.join(''), family.repeat(3))
    for (const half of halves) assert.ok(half.isWellFormed())
  })

  test('are cut at the best border of the second half', () => {
    const cutAt = (text: string, max: number) => splitText(text, { unit: 'characters', max })
    assert.deepEqual(cutAt('One two. Three\n\nfour five six', 20), ['One two. Three\n\n', 'four five six'])
    assert.deepEqual(cutAt('One two three.\nFour five six', 20), ['One two three.\n', 'Four five six'])
    assert.deepEqual(cutAt('One two three. Four five six', 20), ['One two three. ', 'Four five six'])
    assert.deepEqual(cutAt('He said "yes." Then he left us', 20), ['He said "yes." ', 'Then he left us'])
    assert.deepEqual(cutAt('Onetwothree four five six', 20), ['Onetwothree four ', 'five six'])
    assert.deepEqual(cutAt('您好，请问有什么可以帮您？我们的营业时间是九点', 20), [
      '您好，请问有什么可以帮您？',
      '我们的营业时间是九点',
    ])
    assert.deepEqual(cutAt('他说：“我们明天再来吧。”然后就走出去了再也没回来', 20), [
      '他说：“我们明天再来吧。”',
      '然后就走出去了再也没回来',
    ])
    assert.deepEqual(cutAt('see https://shop.example/orders/1', 30), ['see https://shop.example/order', 's/1'])
    assert.deepEqual(cutAt('look here: https://shop.example/orders/1', 30), [
      'look here: ',
      'https://shop.example/orders/1',
    ])
    assert.deepEqual(cutAt('a version 1.25 of it, 3.14', 14), ['a version ', '1.25 of it, ', '3.14'])
    assert.deepEqual(cutAt('x'.repeat(45), 20), ['x'.repeat(20), 'x'.repeat(20), 'xxxxx'])
  })

  test('leave no message of blanks', () => {
    const pieces = splitText(`${'a'.repeat(10)}${' '.repeat(100)}${'b'.repeat(10)}`, { unit: 'bytes', max: 20 })
    assert.ok(pieces.every(piece => piece.trim() !== ''))
    assert.deepEqual(
      pieces.map(piece => piece.trim()),
      ['a'.repeat(10), 'b'.repeat(10)],
    )
    assert.deepEqual(splitText(' '.repeat(100), { unit: 'bytes', max: 20 }), [' '.repeat(20)])
  })

  test('of 64 KiB of anything take little time', () => {
    const bases = [
      'a',
      ' ',
      '\n',
      '. ',
      '。',
      '\u0301',
      '👨‍👩‍👧‍👦',
      '🇨',
      '\u200d',
      '\u{20000}',
      '\r',
      'ᄒ',
      '"',
      'a\u0301',
    ]
    for (const base of bases) {
      const text = base.repeat(Math.floor(65_536 / base.length))
      const startedAt = performance.now()
      const pieces = splitText(text, { unit: 'bytes', max: 20 })
      const ms = performance.now() - startedAt
      assert.ok(ms < 1_500, `${JSON.stringify(base)}: ${ms} ms`)
      for (const piece of pieces) assert.ok(Buffer.byteLength(piece) <= 20)
    }
  })
})

describe('what has not gone yet', () => {
  const limits = fc.record({ unit: fc.constantFrom(...UNITS), max: fc.integer({ min: 4, max: 120 }) })

  test('of a text is cut as in the whole text, after each piece', () => {
    fc.assert(
      fc.property(texts, limits, (text, limit) => {
        const pieces = split(text, limit)
        for (const [at, { end }] of pieces.entries())
          if (end < text.length) assert.deepEqual(split(text, limit, end), pieces.slice(at + 1))
      }),
      { numRuns: 150 },
    )
  })

  test('goes on where it stopped, whatever the limits are then: nothing is lost, nothing comes twice', () => {
    const changes = fc.array(fc.tuple(limits, fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 3 }), changes, limits, (all, given, last) => {
        const parts = all.map(text => ({ type: 'text', text }) as const)
        let progress: OutboxProgress = NOTHING_SENT
        const gone: string[] = []
        const send = (limit: TextLimit, most: number) => {
          for (const { part, end } of allPieces(parts, capabilities(limit), progress).slice(0, most)) {
            assert.ok(part.type === 'text' && sizeOf(part.text, limit.unit) <= limit.max)
            gone.push(part.text)
            progress = { pieces: progress.pieces + 1, place: end }
          }
        }
        for (const [limit, most] of given) send(limit, most)
        send(last, Number.POSITIVE_INFINITY)
        assert.deepEqual(allPieces(parts, capabilities(last), progress), [])
        placesOf(all.join(''), gone)
      }),
      { numRuns: 250 },
    )
  })

  test('is counted by the present limits where no place was kept', () => {
    const parts: Part[] = [{ type: 'text', text: 'abcdefghij' }]
    const left = allPieces(parts, capabilities({ unit: 'utf16', max: 4 }), { pieces: 2 })
    assert.deepEqual(left, [{ part: { type: 'text', text: 'ij' }, end: { part: 0, offset: 10 } }])
  })
})

describe('pieces', () => {
  const limit = { unit: 'utf16', max: 600 } as const
  const image: Part = { type: 'image', media: 'md_1', name: 'photo.jpg' }
  const place: Part = { type: 'location', latitude: 31.2304, longitude: 121.4737, label: '人民广场' }
  const card: Part = { type: 'card', title: 'A lamp', text: 'It shines.', url: 'https://shop.example/lamp' }
  const choices: Part = {
    type: 'choices',
    text: 'Which one?',
    choices: [
      { id: 'a', label: 'The red one' },
      { id: 'b', label: 'The blue one' },
    ],
  }
  const event: Part = { type: 'event', name: 'shop.paid' }

  test('are the parts that the platform takes, in their order', () => {
    const parts: Part[] = [{ type: 'text', text: 'a' }, image, place, card, choices, event, { type: 'text', text: 'b' }]
    const all = ['text', 'image', 'location', 'card', 'choices', 'event'] as const
    assert.deepEqual(piecesOf(parts, capabilities(limit, all)), parts)
  })

  test('say in words what it does not take', () => {
    assert.deepEqual(piecesOf([image, place, card, choices, event], capabilities(limit)), [
      { type: 'text', text: 'photo.jpg' },
      {
        type: 'text',
        text: '人民广场\n31.2304, 121.4737\nhttps://www.openstreetmap.org/?mlat=31.2304&mlon=121.4737#map=16/31.2304/121.4737',
      },
      { type: 'text', text: 'A lamp\nIt shines.\nhttps://shop.example/lamp' },
      { type: 'text', text: 'Which one?\n1. The red one\n2. The blue one' },
    ])
    assert.deepEqual(piecesOf([event], capabilities(limit)), [])
    assert.deepEqual(
      piecesOf(
        [
          { type: 'file', media: 'md_2' },
          { type: 'card', title: 'T' },
        ],
        capabilities(limit),
      ),
      [
        { type: 'text', text: '[file]' },
        { type: 'text', text: 'T' },
      ],
    )
  })

  test('of long texts are cut, and texts side by side stay apart', () => {
    const parts: Part[] = [{ type: 'text', text: 'a'.repeat(25) }, { type: 'text', text: 'b' }, card]
    const pieces = piecesOf(parts, capabilities({ unit: 'bytes', max: 20 }))
    assert.deepEqual(
      pieces.map(piece => (piece.type === 'text' ? piece.text : piece.type)),
      ['a'.repeat(20), 'aaaaa', 'b', 'A lamp\nIt shines.\n', 'https://shop.example', '/lamp'],
    )
    assert.deepEqual(piecesOf(parts, capabilities({ unit: 'bytes', max: 20 })), pieces)
  })
})
