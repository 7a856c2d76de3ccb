import type { ConversationId } from '../../src/codec/conversation-id.js'
import { formatConversationId } from '../../src/codec/conversation-id.js'
import {
  type DocFilter,
  FACT_BIT,
  SEARCH_DIRECTIONS,
  SEARCH_KINDS,
  type SearchDoc,
  type TextQuery,
} from '../../src/daemon/core/search.js'
import { foldText } from '../../src/daemon/search/query/fold.js'
import type { Random } from '../helpers/random.js'

/** Texts of all kinds, and queries that find some of them. Small vocabularies, so that what is asked is often there, and nearly there. */

const WORDS = [
  ...[
    '退款',
    '发货',
    '订单',
    '客服',
    '你好',
    '请问',
    '什么',
    '时候',
    '怎么',
    '么办',
    '办理',
    '可以',
    '以及',
    '货到',
    '到付',
    '的',
    '了',
    '吗',
  ],
  ...[
    'order',
    'refund',
    'Straße',
    'café',
    'ＡＢＣ',
    'ﬁne',
    'x',
    'ab',
    'abc',
    'bcd',
    'i18n',
    'ok',
    'İstanbul',
    'Σίσυφος',
  ],
  ...['👍', '👨‍👩‍👧', '🎉🎉', '한국어', 'ことば', '𠮷野家', '\u0301', '，', '。', ' ', ' ', '\n', '-', '№5', '㎏'],
] as const

/** A number as customers write them. */
function number(random: Random): string {
  const digits = random.pick([1, 2, 3, 4, 6, 11, 15])
  return Array.from({ length: digits }, () => random.integer(0, random.next() < 0.5 ? 9 : 2)).join('')
}

/** Records with seqs that ascend with gaps, from `firstSeq` on. */
export function createDocs(random: Random, count: number, firstSeq = 1): SearchDoc[] {
  let seq = firstSeq - 1
  return Array.from({ length: count }, () => {
    seq += random.next() < 0.8 ? 1 : random.integer(2, 40)
    const isFact = random.next() < 0.03
    const direction = random.pick(SEARCH_DIRECTIONS)
    return {
      seq,
      at: 1_700_000_000_000 + seq * 900 + random.integer(-5000, 5000),
      conversation: conversation(random.integer(0, 60)),
      channel: random.pick([1, 1, 1, 2, 7, 65_535]),
      direction,
      kinds: isFact ? FACT_BIT : kinds(random),
      agent: direction === 'out' && !isFact ? random.pick(['', 'a_one', 'a_two', 'a_three']) : '',
      text: text(random),
    }
  })
}

/** The conversation of a number. */
export function conversation(index: number): ConversationId {
  const bytes = new Uint8Array(16).fill(7)
  new DataView(bytes.buffer).setUint32(4, index)
  return formatConversationId(bytes)
}

function kinds(random: Random): number {
  const all = Object.values(SEARCH_KINDS)
  if (random.next() < 0.7) return SEARCH_KINDS.text.bit
  return random.next() < 0.1 ? 0 : random.pick(all).bit | random.pick(all).bit
}

function text(random: Random): string {
  if (random.next() < 0.05) return ''
  let made = ''
  for (let left = random.integer(1, random.next() < 0.02 ? 300 : 9); left > 0; left--)
    made += random.next() < 0.2 ? number(random) : random.pick(WORDS)
  return made
}

/** A literal: a piece of one of the records, or of a text that is none. Folded, not empty. */
function literal(random: Random, docs: readonly SearchDoc[]): TextQuery {
  const from = foldText(random.next() < 0.85 ? random.pick(docs).text : text(random))
  const characters = Array.from(from)
  const start = random.integer(0, Math.max(0, characters.length - 1))
  const piece = foldText(characters.slice(start, start + random.pick([1, 2, 2, 3, 4, 6, 12])).join(''))
  return piece === '' ? { type: 'literal', text: '退' } : { type: 'literal', text: piece }
}

const REGEXES = [
  '退款|发货',
  '订单\\d{2,}',
  'or?der',
  'ab+c',
  '[a-c]{3}',
  '(退|换)款',
  '\\d{4}$',
  '^你好',
  'i18n?',
  '退.货',
  'x{0}ab',
  'A\\-?b',
  '(?:ab)c|的',
  '[^]a]b',
  '的{2,3}',
  '的货(?i)?',
] as const

/** What may be asked. */
export function createQuery(random: Random, docs: readonly SearchDoc[], depth = 0): TextQuery {
  const chance = random.next()
  if (depth > 2 || chance < 0.6) return literal(random, docs)
  if (chance < 0.65) return { type: 'all' }
  if (chance < 0.72) return { type: 'regex', source: random.pick(REGEXES) }
  if (chance < 0.78) return { type: 'not', of: createQuery(random, docs, depth + 1) }
  const of = Array.from({ length: random.integer(1, 3) }, () => createQuery(random, docs, depth + 1))
  return { type: chance < 0.9 ? 'and' : 'or', of }
}

/** What else may be asked. */
export function createFilter(random: Random, docs: readonly SearchDoc[]): DocFilter {
  if (random.next() < 0.5) return {}
  const some = <T>(values: () => T): T[] => Array.from({ length: random.integer(0, 3) }, values)
  const doc = () => random.pick(docs)
  const is = (chance: number) => random.next() < chance
  return {
    ...(is(0.3) && { conversations: [doc().conversation, ...some(() => conversation(random.integer(0, 80)))] }),
    ...(is(0.2) && { channels: is(0.1) ? [] : [doc().channel, ...some(() => random.integer(1, 9))] }),
    ...(is(0.2) && { agents: [doc().agent, ...some(() => random.pick(['a_one', 'a_none', '']))] }),
    ...(is(0.2) && { directions: [random.pick(SEARCH_DIRECTIONS)] }),
    ...(is(0.2) && {
      kinds: is(0.3) ? FACT_BIT : random.pick(Object.values(SEARCH_KINDS)).bit | random.integer(0, 63),
    }),
    ...(is(0.1) && { hasMedia: is(0.5) }),
    ...(is(0.2) && { since: doc().at }),
    ...(is(0.2) && { until: doc().at }),
  }
}
