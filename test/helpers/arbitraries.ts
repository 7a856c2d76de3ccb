import fc from 'fast-check'

/**
 * Any code point that is not half of a surrogate pair, as text: for `unit` of strings. fast-check's own `binary` unit writes down all 1.1 million of them
 * before its first value, in every process.
 */
export function codePoint(): fc.Arbitrary<string> {
  return fc.integer({ min: 0, max: 0x10_ffff - 0x800 }).map(
    value => String.fromCodePoint(value < 0xd800 ? value : value + 0x800),
    text => {
      const value = typeof text === 'string' ? text.codePointAt(0) : undefined
      if (value === undefined || text !== String.fromCodePoint(value)) throw new Error('not one code point')
      return value < 0xd800 ? value : value - 0x800
    },
  )
}

/** Well-formed Unicode of up to `maxLength` code units, biased to what chats contain and encoders get wrong. */
export function unicode(minLength: number, maxLength: number): fc.Arbitrary<string> {
  const character = fc.oneof(
    fc.constantFrom(
      'a',
      'Z',
      '0',
      ' ',
      '\n',
      '嗨',
      '文',
      'é',
      '\u{1f600}',
      '\ufeff',
      '\u200d',
      '"',
      '\\',
      '\u007f',
      '\uffff',
    ),
    codePoint(),
  )
  return fc
    .array(character, { minLength, maxLength })
    .map(characters => characters.join(''))
    .filter(text => text.length <= maxLength && text.isWellFormed())
}

/** Plain data as it goes through msgpack and JSON alike: no `-0`, no `__proto__` key, well-formed text. */
export function plainMap(): fc.Arbitrary<Record<string, unknown>> {
  const key = unicode(0, 20).filter(name => name !== '__proto__')
  const number = fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(
      0,
      127,
      128,
      255,
      256,
      -1,
      -32,
      -33,
      -128,
      -129,
      65_535,
      65_536,
      2 ** 31,
      2 ** 32,
      2 ** 53 - 1,
      0.5,
      1e300,
    ),
  )
  const leaf = fc.oneof(
    number.map(value => value + 0),
    unicode(0, 50),
    fc.boolean(),
    fc.constant(null),
  )
  const { map } = fc.letrec<{ value: unknown; map: Record<string, unknown> }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 6 }),
      tie('map'),
    ),
    map: fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  }))
  return map
}

/** Exactly `length` bytes. */
export function bytes(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length })
}
