import fc from 'fast-check'
import { formatConversationId } from '../../../src/codec/conversation-id.js'
import { type ClientBodies, type ClientKind, WIRE_LIMITS } from '../../../src/codec/wire.js'
import { WIRE_DIRECTIONS, WIRE_SEARCH_KINDS } from '../../../src/codec/wire-search.js'
import { bytes, unicode } from '../../helpers/arbitraries.js'

export const CONVERSATION = 'c_000G40R40M30E209185GR38E1W'

export const position = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 53 - 1))
export const conversation = bytes(16).map(formatConversationId)
export const printable = (maxLength: number) =>
  fc
    .array(fc.constantFrom('a', '7', ' ', '-', '嗨', 'é', '\u{1f600}', '|'), { minLength: 1, maxLength: maxLength / 2 })
    .map(all => all.join(''))
export const mediaId = fc.stringMatching(/^md_[0-9A-Z]{1,37}$/)

export const part = fc.oneof(
  fields({ type: fc.constant('text'), text: unicode(1, 200) }),
  fields({ type: fc.constantFrom('image', 'audio', 'video', 'file'), media: mediaId }, { name: unicode(0, 255) }),
  fields(
    {
      type: fc.constant('location'),
      latitude: fc.double({ min: -90, max: 90, noNaN: true }).map(value => value + 0),
      longitude: fc.double({ min: -180, max: 180, noNaN: true }).map(value => value + 0),
    },
    { label: unicode(0, 200) },
  ),
  fields({ type: fc.constant('card'), title: unicode(1, 200) }, { text: unicode(0, 300), url: fc.webUrl() }),
  fields({
    type: fc.constant('choices'),
    text: unicode(1, 300),
    choices: fc.uniqueArray(fields({ id: fc.stringMatching(/^[\x21-\x7e]{1,64}$/), label: unicode(1, 40) }), {
      minLength: 1,
      maxLength: WIRE_LIMITS.choices,
      selector: ({ id }) => id,
    }),
  }),
  fields(
    { type: fc.constant('event'), name: fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/) },
    {
      data: fc.dictionary(
        fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,39}$/),
        fc.oneof(unicode(0, 100), fc.integer(), fc.boolean()),
        { maxKeys: 32, noNullPrototype: true },
      ),
    },
  ),
)

export const where = { conversation, contact: printable(128) }
export const receipt = fields({ n: position.filter(n => n > 0) }, where)

export const word = printable(64)
export const few = fc.array(word, { maxLength: WIRE_LIMITS.facts })
export const noteText = unicode(1, 200)
export const facts = <T>(value: fc.Arbitrary<T>) =>
  fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), value, { maxKeys: 9, noNullPrototype: true })
export const verb = <V extends string>(name: V) => fields({ do: fc.constant(name) })
export const command = fc.oneof(
  ...(['accept', 'decline', 'takeOver', 'requeue', 'wake', 'close', 'reopen', 'unlink'] as const).map(verb),
  fields({ do: fc.constant('link'), with: conversation }),
  fields({ do: fc.constant('close'), asksRating: fc.boolean() }),
  fields({ do: fc.constant('assign'), agent: word }),
  fields({ do: fc.constant('transfer'), agent: word }, { note: noteText }),
  fields({ do: fc.constant('transfer'), team: word }, { note: noteText }),
  fields({ do: fc.constant('snooze'), until: position }),
  fields({ do: fc.constant('note'), text: noteText }),
  fields({ do: fc.constant('rate'), score: fc.integer({ min: 1, max: 5 }) }, { comment: unicode(0, 200) }),
  fields({
    do: fc.constant('update'),
    set: fields(
      { priority: fc.constantFrom('low', 'normal', 'high', 'urgent') },
      {
        subject: unicode(0, 200),
        language: fc.constantFrom('', 'zh', 'zh-Hans-CN', 'en'),
        team: fc.oneof(word, fc.constant('')),
        addTags: few,
        removeTags: few,
        requires: facts(fc.integer({ min: 1, max: 5 })),
        prefers: few,
        name: unicode(0, 100),
        attributes: facts(unicode(0, 100)),
      },
    ),
  }),
)

const listOf = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 4 })

export const BODIES: { readonly [K in ClientKind]: fc.Arbitrary<Record<string, unknown>> } = {
  hello: fields(
    {},
    {
      token: fc.stringMatching(/^[\x21-\x7e]{1,100}$/),
      channel: unicode(1, 64),
      identity: fields(
        { id: printable(128), expiresAt: position, signature: fc.stringMatching(/^[0-9a-f]{64}$/) },
        { name: unicode(0, 100) },
      ),
      name: unicode(0, 100),
      resume: fields({}, { n: position, cursor: unicode(0, 40) }),
      zstd: fc.boolean(),
      client: unicode(0, 100),
    },
  ),
  inbox: fields({ before: unicode(0, 40) }),
  message: fields(
    {
      id: fc.stringMatching(/^[\x21-\x7e]{1,64}$/),
      parts: fc.array(part, { minLength: 1, maxLength: WIRE_LIMITS.parts }),
    },
    { ...where, name: unicode(0, 100) },
  ),
  ack: receipt,
  read: receipt,
  typing: fields({ on: fc.boolean() }, where),
  presence: fields({ state: fc.constantFrom('online', 'away') }),
  history: fc.oneof(
    fields({}, { ...where, after: position, limit: fc.integer({ min: 1, max: 500 }) }),
    fields({}, { ...where, before: position, limit: fc.integer({ min: 1, max: 500 }) }),
  ),
  media: fields({ media: mediaId }, where),
  command: fields({ command }, where),
  listen: fields({ conversation, on: fc.boolean() }),
  contact: fields({ conversation }),
  canned: fields({ conversation }, { query: unicode(0, 100), from: position }),
  search: fields(
    { query: unicode(0, 512) },
    {
      filter: fields(
        {},
        {
          conversation,
          channels: listOf(fc.integer({ min: 1, max: 0xffff })),
          agents: listOf(unicode(1, 64)),
          kinds: listOf(fc.constantFrom(...WIRE_SEARCH_KINDS)),
          directions: listOf(fc.constantFrom(...WIRE_DIRECTIONS)),
          hasMedia: fc.boolean(),
          since: position,
          until: position,
          tags: listOf(unicode(1, 64)),
          team: unicode(1, 64),
        },
      ),
      order: fc.constantFrom('newest', 'oldest'),
      after: unicode(0, 40),
      limit: fc.integer({ min: 1, max: WIRE_LIMITS.hits }),
    },
  ),
}

export const CLIENT_KINDS = Object.keys(BODIES) as ClientKind[]

/** One body of each kind with every field, as it must stay valid. */
export const GOLDEN: ClientBodies = {
  hello: {
    token: 'v1.abc',
    channel: 'web',
    identity: { id: 'u-1', expiresAt: 1_700_000_000_000, signature: '0123456789abcdef'.repeat(4), name: '李' },
    name: '李',
    resume: { n: 3, cursor: '00000000000A' },
    zstd: true,
    client: 'kefu-web/1',
  },
  inbox: { before: '00000000000A' },
  message: {
    id: 'm-1',
    conversation: CONVERSATION,
    contact: 'user 1',
    name: '李',
    parts: [
      { type: 'text', text: '嗨' },
      { type: 'image', media: 'md_01ABC', name: 'a.png' },
      { type: 'file', media: 'md_01ABC' },
      { type: 'location', latitude: 31.2, longitude: 121.5, label: '上海' },
      { type: 'card', title: 'order', text: '1 ×', url: 'https://example.com/1' },
      { type: 'choices', text: '嗨?', choices: [{ id: 'a', label: '是' }] },
      { type: 'event', name: 'page.view', data: { path: '/a', ms: 1.5, first: true } },
    ],
  },
  ack: { conversation: CONVERSATION, n: 1 },
  read: { contact: 'user 1', n: 2 },
  typing: { conversation: CONVERSATION, on: true },
  presence: { state: 'away' },
  history: { conversation: CONVERSATION, after: 0, limit: 500 },
  media: { conversation: CONVERSATION, media: 'md_01ABC' },
  command: { conversation: CONVERSATION, command: { do: 'transfer', team: '售后', note: 'please' } },
  listen: { conversation: CONVERSATION, on: true },
  contact: { conversation: CONVERSATION },
  canned: { conversation: CONVERSATION, query: 'hi', from: 40 },
  search: {
    query: '退款 -"发票"',
    filter: {
      conversation: CONVERSATION,
      channels: [1, 2],
      agents: ['a_1'],
      kinds: ['text', 'note'],
      directions: ['in', 'internal'],
      hasMedia: false,
      since: 1,
      until: 2,
      tags: ['vip'],
      team: 't_1',
    },
    order: 'oldest',
    after: '0:7',
    limit: 50,
  },
}

/** An object with all the required fields and any of the optional ones. */
export function fields(
  required: Record<string, fc.Arbitrary<unknown>>,
  optional: Record<string, fc.Arbitrary<unknown>> = {},
): fc.Arbitrary<Record<string, unknown>> {
  return fc.record({ ...required, ...optional }, { requiredKeys: Object.keys(required), noNullPrototype: true })
}
