import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConversationId } from '../../../../src/codec/conversation-id.js'
import type { Author, Part } from '../../../../src/codec/wire.js'
import type { RecordBody } from '../../../../src/daemon/core/records.js'
import { type DocFilter, FACT_BIT, SEARCH_KINDS, type SearchDoc } from '../../../../src/daemon/core/search.js'
import { docOf, factText } from '../../../../src/daemon/search/query/doc.js'
import { compileFilter } from '../../../../src/daemon/search/query/filter.js'

const CONVERSATION: ConversationId = `c_${'a'.repeat(26)}`
const contact: Author = { role: 'contact' }
const ann: Author = { role: 'agent', id: 'a_1', name: 'Ann' }
const system: Author = { role: 'system' }
const operator: Author = { role: 'operator' }
const { text, image, file, location, card, choices, event, note, rating } = SEARCH_KINDS

function doc(body: RecordBody): SearchDoc | undefined {
  return docOf({ seq: 7, at: 1000, conversation: CONVERSATION, body }, { channel: 3 })
}

function said(body: RecordBody): readonly unknown[] | undefined {
  const found = doc(body)
  return found && [found.direction, found.kinds, found.agent, found.text]
}

describe('docOf', () => {
  it('says where a record is and what it says', () => {
    assert.deepEqual(doc({ type: 'message', by: contact, parts: [{ type: 'text', text: 'Ａ好\0' }] }), {
      seq: 7,
      at: 1000,
      conversation: CONVERSATION,
      channel: 3,
      direction: 'in',
      kinds: text.bit,
      agent: '',
      text: 'Ａ好\0',
    })
  })

  it('knows who said it', () => {
    const parts: Part[] = [{ type: 'text', text: 'a' }]
    assert.deepEqual(said({ type: 'message', by: ann, parts }), ['out', text.bit, 'a_1', 'a'])
    assert.deepEqual(said({ type: 'message', by: ann, parts, isEcho: true }), ['out', text.bit, 'a_1', 'a'])
    assert.deepEqual(said({ type: 'message', by: system, parts, reply: 'welcome' }), ['out', text.bit, '', 'a'])
    assert.deepEqual(said({ type: 'message', by: operator, parts }), ['out', text.bit, '', 'a'])
    assert.deepEqual(said({ type: 'note', by: ann, text: 'a' }), ['internal', note.bit, 'a_1', 'a'])
    assert.deepEqual(said({ type: 'note', by: operator, text: 'a' }), ['internal', note.bit, '', 'a'])
  })

  it('takes the words of all parts', () => {
    const parts: Part[] = [
      { type: 'text', text: 'one' },
      { type: 'image', media: 'm_1' },
      { type: 'file', media: 'm_2', name: 'two.pdf' },
      { type: 'location', latitude: 1, longitude: 2, label: 'three' },
      { type: 'card', title: 'four', text: 'five', url: 'https://six.example' },
      {
        type: 'choices',
        text: 'seven',
        choices: [
          { id: 'x', label: 'eight' },
          { id: 'y', label: 'nine' },
        ],
      },
      { type: 'event', name: 'choice', data: { id: 'ten', count: 11, isLast: true } },
    ]
    assert.deepEqual(said({ type: 'message', by: contact, parts }), [
      'in',
      text.bit | image.bit | file.bit | location.bit | card.bit | choices.bit | event.bit,
      '',
      'one\ntwo.pdf\nthree\nfour\nfive\nhttps://six.example\nseven\neight\nnine\nchoice\nten\n11\ntrue',
    ])
    assert.deepEqual(said({ type: 'message', by: contact, parts: [{ type: 'image', media: 'm_1' }] }), [
      'in',
      image.bit,
      '',
      '',
    ])
  })

  it('finds events, ratings, and the notes that go with a transfer', () => {
    assert.deepEqual(said({ type: 'event', by: contact, name: 'follow', data: { scene: 'qr' } }), [
      'in',
      event.bit,
      '',
      'follow\nqr',
    ])
    assert.deepEqual(said({ type: 'event', by: contact, name: 'enter' }), ['in', event.bit, '', 'enter'])
    assert.deepEqual(said({ type: 'rated', by: contact, episode: 1, score: 5, comment: '好' }), [
      'in',
      rating.bit,
      '',
      '好',
    ])
    assert.deepEqual(said({ type: 'rated', by: contact, episode: 1, score: 5 }), ['in', rating.bit, '', ''])
    assert.deepEqual(said({ type: 'transferred', by: ann, team: 't_1', note: 'angry' }), [
      'internal',
      note.bit,
      'a_1',
      'angry',
    ])
    assert.equal(said({ type: 'transferred', by: ann, team: 't_1' }), undefined)
  })

  it('keeps as facts which tags and teams a record sets', () => {
    const fact = (...lines: string[]) => ['internal', FACT_BIT, '', lines.join('')]
    assert.deepEqual(
      said({ type: 'updated', by: ann, addTags: ['vip', '大客户'], removeTags: ['x'], team: 't_1' }),
      fact('\ntag:vip\n', '\ntag:大客户\n', '\nteam:t_1\n'),
    )
    assert.deepEqual(
      said({ type: 'queued', by: system, since: 1, reasons: [], team: 't_2' }),
      fact(factText('team', 't_2')),
    )
    const opened = { type: 'opened', channel: 3, kind: 'web', egress: 'socket', contact: 'x' } as const
    assert.deepEqual(said({ ...opened, team: 't_3' }), fact(factText('team', 't_3')))
    assert.equal(said(opened), undefined)
    assert.equal(said({ type: 'updated', by: ann, removeTags: ['vip'], team: '' }), undefined)
    assert.equal(said({ type: 'queued', by: system, since: 1, reasons: [] }), undefined)
  })

  it('finds nothing in the other records, nor in what was forgotten', () => {
    const others: RecordBody[] = [
      { type: 'assigned', by: system, agent: 'a_1', name: 'Ann', reasons: ['sticky'] },
      { type: 'delivery', by: system, message: 1, state: 'failed', reason: 'x' },
      { type: 'closed', by: ann, reason: 'agent' },
      { type: 'linked', by: operator, person: 'p_1' },
    ]
    for (const body of others) assert.equal(doc(body), undefined)
    assert.equal(doc({ type: 'forgotten', by: operator } as unknown as RecordBody), undefined)
  })
})

describe('compileFilter', () => {
  const one: SearchDoc = {
    seq: 1,
    at: 1000,
    conversation: CONVERSATION,
    channel: 3,
    direction: 'out',
    kinds: text.bit | image.bit,
    agent: 'a_1',
    text: 'x',
  }
  const other: ConversationId = `c_${'b'.repeat(26)}`
  const CASES: readonly (readonly [filter: DocFilter, passes: boolean])[] = [
    [{}, true],
    [{ conversations: [other, CONVERSATION] }, true],
    [{ conversations: [other] }, false],
    [{ conversations: [] }, false],
    [{ channels: [3] }, true],
    [{ channels: [4] }, false],
    [{ channels: [] }, false],
    [{ agents: ['a_1'] }, true],
    [{ agents: ['a_2'] }, false],
    [{ agents: [] }, false],
    [{ directions: ['in', 'out'] }, true],
    [{ directions: ['in'] }, false],
    [{ kinds: image.bit | note.bit }, true],
    [{ kinds: note.bit }, false],
    [{ kinds: FACT_BIT }, false],
    [{ kinds: 0 }, false],
    [{ hasMedia: true }, true],
    [{ hasMedia: false }, false],
    [{ since: 1000 }, true],
    [{ since: 1001 }, false],
    [{ until: 1001 }, true],
    [{ until: 1000 }, false],
    [{ since: 1000, until: 1001, channels: [3], agents: ['a_1'], kinds: text.bit, hasMedia: true }, true],
  ]
  for (const [filter, passes] of CASES) {
    it(`${passes ? 'passes' : 'stops'} ${JSON.stringify(filter)}`, () =>
      assert.equal(compileFilter(filter)(one), passes))
  }

  it('passes facts only when they are asked for', () => {
    const fact = { ...one, kinds: FACT_BIT }
    assert.equal(compileFilter({})(fact), false)
    assert.equal(compileFilter({ hasMedia: false })(fact), false)
    assert.equal(compileFilter({ kinds: text.bit })(fact), false)
    assert.equal(compileFilter({ kinds: FACT_BIT })(fact), true)
  })
})
