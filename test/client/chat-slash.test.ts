import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RecordEvent, WireRecord } from '../../src/client/index.js'
import { ConversationList } from '../../src/commands/chat/_chat/conversations.js'
import { describeRecord } from '../../src/commands/chat/_chat/record-text.js'
import { isSlash, parseSlash, plainText, slashHelp, unknownSlash } from '../../src/commands/chat/_chat/slash.js'
import {
  AGENT_SLASHES,
  agentCommand,
  EMULATED_SLASHES,
  parseRating,
  VISITOR_SLASHES,
} from '../../src/commands/chat/_chat/slashes.js'
import { isKefuError } from '../../src/errors.js'
import { conversationId } from './fake-server.js'

const NOW = 1_000_000

/** The command that an agent's line means. */
function meaning(line: string): unknown {
  const { name, rest } = parseSlash(line, AGENT_SLASHES) ?? assert.fail(line)
  return agentCommand(name, rest, NOW)
}

const misuse = (pattern: RegExp) => (error: unknown) => isKefuError(error, 'KEFU_USAGE') && pattern.test(error.message)

describe('commands in a chat', () => {
  it('are lines with one slash; two slashes begin a text', () => {
    assert.deepEqual(['/x', '//x', 'x', ' /x', '/', '/1'].map(isSlash), [true, false, false, false, true, true])
    assert.deepEqual(['//x', 'x', '///'].map(plainText), ['/x', 'x', '//'])
  })

  it('mean what the protocol has', () => {
    assert.deepEqual(meaning('/close '), { do: 'close' })
    assert.deepEqual(meaning('/transfer 小李'), { do: 'transfer', agent: '小李' })
    assert.deepEqual(meaning('/transfer team:billing  wants  a refund '), {
      do: 'transfer',
      team: 'billing',
      note: 'wants  a refund',
    })
    assert.deepEqual(meaning('/snooze 1h30m'), { do: 'snooze', until: NOW + 5_400_000 })
    assert.deepEqual(meaning('/note /close is not meant'), { do: 'note', text: '/close is not meant' })
    assert.deepEqual(meaning('/tags +vip  -new +退款'), {
      do: 'update',
      set: { addTags: ['vip', '退款'], removeTags: ['new'] },
    })
    assert.deepEqual(meaning('/tags -new'), { do: 'update', set: { removeTags: ['new'] } })
    for (const name of ['wake', 'decline', 'unlink'] as const) assert.deepEqual(meaning(`/${name}`), { do: name })
    for (const name of ['accept', 'reopen'] as const) assert.deepEqual(meaning(`/${name} 2`), { do: name })
    for (const name of ['list', 'away', 'online', 'help', 'quit']) assert.equal(meaning(`/${name}`), undefined)
    assert.deepEqual(parseRating('5'), { score: 5, comment: undefined })
    assert.deepEqual(parseRating('3 nice, but slow'), { score: 3, comment: 'nice, but slow' })
  })

  it('say how they are used', () => {
    const wrong = [
      '/close now',
      '/transfer',
      '/transfer team:',
      '/snooze',
      '/snooze 10',
      '/snooze 0s',
      '/note',
      '/tags',
    ]
    for (const line of [...wrong, '/tags vip', '/tags +']) {
      const [name] = line.split(' ')
      assert.throws(() => meaning(line), misuse(new RegExp(`^it is ${name}( |$)`)), line)
    }
    for (const rest of ['', '0', '6', '55', 'good', '4.5'])
      assert.throws(() => parseRating(rest), misuse(/rate 5/), rest)
  })

  it('have names; others are told with the nearest one', () => {
    assert.equal(parseSlash('/clos', AGENT_SLASHES), undefined)
    assert.equal(parseSlash('/', AGENT_SLASHES), undefined)
    assert.equal(parseSlash('/constructor', AGENT_SLASHES), undefined)
    assert.match(unknownSlash('/clsoe', AGENT_SLASHES), /^There is no command \/clsoe, did you mean "\/close"\? \/help/)
    assert.match(unknownSlash('/tranfser x', AGENT_SLASHES), /"\/transfer"/)
    assert.match(unknownSlash('/rat 5', VISITOR_SLASHES), /"\/rate"/)
    assert.match(unknownSlash('/\u001b[2J', VISITOR_SLASHES), /^There is no command \/\ufffd\[2J\. \/help/)
  })

  it('are all in the help, within the width of a terminal', () => {
    for (const table of [AGENT_SLASHES, VISITOR_SLASHES, EMULATED_SLASHES]) {
      const lines = slashHelp(table).split('\n')
      assert.deepEqual(
        lines.map(line => line.split(' ')[0]!.slice(1)),
        Object.keys(table),
      )
      for (const line of lines) assert.ok(line.length <= 78, line)
    }
  })

  it('name conversations by number, also one that is gone, or by id', () => {
    const list = new ConversationList()
    const conversation = conversationId(1)
    const found = { conversation, channel: 1, contact: 'v', name: undefined, n: 1, known: 0, at: 0 }
    const marks = { delivered: 0, read: 0 }
    list.assigned({ ...found, state: 'active', agent: 'a_1', isMine: true, marks, unread: 0 })
    list.unassigned(conversation)
    assert.equal(list.resolve('1'), conversation)
    assert.equal(list.resolve(conversationId(9)), conversationId(9))
    for (const text of ['', '2', 'c_1', conversation.toLowerCase()]) assert.equal(list.resolve(text), undefined, text)
  })
})

describe('what is done to a conversation, in words', () => {
  const by = { role: 'agent' as const, id: 'a_1', name: '小\u0007王' }
  const words = (record: WireRecord) => {
    const event: RecordEvent = {
      conversation: conversationId(1),
      channel: 1,
      contact: 'v',
      n: 1,
      at: 1,
      record,
      own: false,
    }
    const { author, text, isNotice } = describeRecord(event, { contact: '李雷' }) ?? assert.fail(record.type)
    assert.deepEqual([author, isNotice], ['', true])
    return text
  }

  it('tells who, what and why, and nothing that steers the terminal', () => {
    assert.equal(words({ type: 'transferred', by, team: 't_1', note: 'VIP\u001b' }), '小\ufffd王 sent it on: VIP\ufffd')
    assert.match(words({ type: 'snoozed', by, until: NOW }), /^put aside until 1970-01-01 \d\d:\d\d$/)
    assert.equal(words({ type: 'woken', by }), 'the conversation needs an agent again')
    assert.equal(words({ type: 'closed', by: { role: 'contact' } }), 'the conversation is closed')
    assert.equal(words({ type: 'reopened', by }), 'the conversation is open again')
    assert.equal(words({ type: 'note', by, text: '请尽快' }), 'note of 小\ufffd王: 请尽快')
    assert.equal(words({ type: 'rated', by: { role: 'contact' }, score: 4, comment: '谢谢' }), 'rated 4 of 5: 谢谢')
    assert.equal(
      words({ type: 'updated', by: { role: 'operator' }, priority: 'high', addTags: ['vip'] }),
      'kefu changed: priority high, tags +vip',
    )
    assert.equal(words({ type: 'overdue', by: { role: 'system' } }), 'an answer is overdue')
  })

  it('does not trust the types of fields', () => {
    assert.equal(words({ type: 'snoozed', by, until: 'soon' }), 'put aside')
    assert.equal(words({ type: 'rated', by: { role: 'contact' }, score: '\u001b', comment: 7 }), 'rated')
    assert.equal(words({ type: 'note', by, text: ['x'] }), 'note of 小\ufffd王')
  })
})
