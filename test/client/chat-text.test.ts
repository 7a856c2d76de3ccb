import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Conversation, RecordEvent } from '../../src/client/index.js'
import type { Part } from '../../src/codec/wire.js'
import { createOutput } from '../../src/commands/_cli/output.js'
import { tokenFromFile } from '../../src/commands/chat/_chat/agent-token.js'
import { ConversationList, wordsOfUnread } from '../../src/commands/chat/_chat/conversations.js'
import { MarkLine, wordsOfMark } from '../../src/commands/chat/_chat/mark-line.js'
import { describePart, describeRecord } from '../../src/commands/chat/_chat/record-text.js'
import { safeText } from '../../src/commands/chat/_chat/safe-text.js'
import { createScreen } from '../../src/commands/chat/_chat/screen.js'
import { isKefuError } from '../../src/errors.js'
import { codePoint } from '../helpers/arbitraries.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { contactMessage, conversationId } from './fake-server.js'

describe('text of others in the terminal', () => {
  it('keeps every script, emoji and line breaks', () => {
    for (const text of ['你好，世界', 'مرحبا', 'नमस्ते', '👩‍👩‍👧‍👦 ❤️', 'two\nlines']) assert.equal(safeText(text), text)
    assert.equal(safeText('a\r\nb\rc\td\u2028e'), 'a\nb\nc d\ne')
  })

  it('leaves nothing that steers a terminal or turns the direction of writing', () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint() }), text => {
        assert.doesNotMatch(safeText(text), /[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u)
      }),
      { numRuns: 2_000 },
    )
    assert.equal(safeText('\u001b[2J\u009b31m'), '\ufffd[2J\ufffd31m')
  })

  it('tells of each kind of part, also of one from the future', () => {
    const parts: [Part, string][] = [
      [{ type: 'text', text: 'a\u0007' }, 'a\ufffd'],
      [{ type: 'image', media: 'md_1', name: 'photo\u001b.png' }, '[image photo\ufffd.png md_1]'],
      [{ type: 'location', latitude: 39.9, longitude: 116.4, label: '天安门' }, '[location 天安门 39.9, 116.4]'],
      [{ type: 'card', title: 'Order', url: 'https://shop.example' }, '[card Order https://shop.example]'],
      [
        {
          type: 'choices',
          text: 'Which\u0007?',
          choices: [
            { id: 'a', label: 'one\u001b' },
            { id: 'b', label: '二' },
          ],
        },
        'Which\ufffd?\n1. one\ufffd\n2. 二',
      ],
      [{ type: 'event', name: 'page.viewed' }, '[event page.viewed]'],
      [{ type: 'hologram' } as unknown as Part, '[hologram]'],
    ]
    for (const [part, text] of parts) assert.equal(describePart(part), text)
  })

  it('shows what people need to see of records', () => {
    const event = (record: RecordEvent['record'], own = false): RecordEvent => ({
      conversation: conversationId(1),
      channel: 1,
      contact: undefined,
      n: 1,
      at: 1,
      record,
      own,
    })
    const names = { contact: '李雷' }
    const parts = [{ type: 'text' as const, text: 'x' }]
    const said = (role: 'contact' | 'agent' | 'system', own: boolean, name?: string) =>
      describeRecord(event({ type: 'message', by: { role, ...(name !== undefined && { name }) }, parts }, own), names)
        ?.author
    assert.equal(said('contact', false), '李雷')
    assert.equal(said('contact', true), 'you')
    assert.equal(said('agent', false, '小\u0007王'), '小\ufffd王')
    assert.equal(said('system', false), 'kefu')
    assert.equal(describeRecord(event({ type: 'internal' }), names), undefined)
    assert.equal(describeRecord(event({ type: 'opened' }), names), undefined)
    const by = { role: 'agent' as const, name: '小王' }
    const closed = (asksRating: boolean, rating?: string) =>
      describeRecord(event({ type: 'closed', by, asksRating }), { ...names, ...(rating !== undefined && { rating }) })
        ?.text
    assert.equal(closed(true, '/rate 5'), 'the conversation is closed; /rate 5')
    for (const text of [closed(true), closed(false, '/rate 5')]) assert.equal(text, 'the conversation is closed')
    const changed = (facts: object) =>
      describeRecord(event({ type: 'updated', by, ...facts } as RecordEvent['record']), names)?.text
    assert.equal(
      changed({ priority: 'urgent', addTags: ['vip', 'b2b'] }),
      '小王 changed: priority urgent, tags +vip +b2b',
    )
    assert.equal(
      changed({ removeTags: ['vip'], requires: { refund: 3 }, prefers: ['english'] }),
      '小王 changed: tags -vip, requires refund 3, prefers english',
    )
    assert.equal(changed({ prefers: [], team: 7 }), '小王 changed: prefers nothing, team 7')
    assert.deepEqual(describeRecord(event({ type: 'rat\u0007ing' }), names), {
      author: '',
      text: '(rat\ufffding)',
      isNotice: true,
    })
  })
})

describe('the token of an agent', () => {
  it('is the first line of a file, and is never told when it is none', async t => {
    const path = join(tmpDir(t), 'agent.token')
    const usage = (reason: RegExp) => (error: unknown) =>
      isKefuError(error, 'KEFU_USAGE') && reason.test(error.message) && !error.message.includes('two words')
    await assert.rejects(tokenFromFile(path), usage(/ENOENT/))
    for (const content of ['two words\n', '', '\nkat_1', `${'x'.repeat(5_000)}\n`]) {
      writeFileSync(path, content)
      await assert.rejects(tokenFromFile(path), usage(/not a token/))
    }
    writeFileSync(path, 'kat_1\r\nsecond line\n')
    assert.equal(await tokenFromFile(path), 'kat_1')
  })
})

describe('the list of conversations', () => {
  const conversation = (number: number, extra: Partial<Conversation> = {}): Conversation => ({
    conversation: conversationId(number),
    channel: 1,
    contact: `v_00000000000000000000${number}ABC`,
    name: undefined,
    n: 3,
    known: 0,
    at: 0,
    marks: { delivered: 0, read: 0 },
    unread: 0,
    state: 'active',
    agent: 'a_1',
    isMine: true,
    ...extra,
  })

  it('numbers conversations for good, and knows which are the agent’s', () => {
    const list = new ConversationList()
    const first = list.assigned(conversation(1))
    list.assigned(conversation(2, { name: '李\u0007雷' }))
    list.show(first)
    assert.deepEqual(
      list.mine().map(({ number, contact }) => [number, contact]),
      [
        [1, 'visitor 1ABC'],
        [2, '李\ufffd雷'],
      ],
    )
    list.unassigned(conversationId(1))
    assert.equal(list.current, undefined)
    assert.equal(list.numbered(1), undefined)
    assert.equal(list.assigned(conversation(1)).number, 1)
    assert.equal(list.assigned(conversation(3)).number, 3)
  })

  it('keeps the last records of a conversation, and a bounded number of conversations', () => {
    const list = new ConversationList()
    const listed = list.assigned(conversation(1))
    for (let n = 1; n <= 60; n++) {
      const { at, record } = contactMessage(n)
      list.remember(listed, {
        conversation: conversationId(1),
        channel: 1,
        contact: undefined,
        n,
        at,
        record,
        own: false,
      })
    }
    assert.deepEqual([listed.recent.length, listed.recent[0]!.n], [50, 11])
    for (let number = 0; number < 1_200; number++) {
      const id = `c_${String(number).padStart(26, '0')}` as const
      list.assigned(conversation(1, { conversation: id }))
      if (number % 2 === 0) list.unassigned(id)
    }
    assert.ok(list.mine().length <= 1_000)
    assert.ok(list.get(`c_${'0'.repeat(26)}`) === undefined)
  })
})

describe('the screen', () => {
  it('puts records above the prompt, and what is being typed below them', () => {
    const input = new PassThrough()
    const written: string[] = []
    const stdout = { isTTY: true, columns: 80, write: (text: string) => written.push(text) }
    const output = createOutput({
      stdout,
      stderr: stdout,
      environment: {},
      isJson: false,
      isPlain: false,
      isQuiet: false,
      noColor: true,
    })
    const reader = createInterface({ input, output: new PassThrough(), terminal: true })
    reader.prompt = preserve => {
      written.push(`prompt ${preserve}`)
    }
    const screen = createScreen(output, reader)
    const { n, at, record } = contactMessage(1, '第一行\n第二行')
    const event = { conversation: conversationId(1), channel: 1, contact: undefined, n, at, record, own: false }
    const text = { author: '李雷', text: '第一行\n第二行', isNotice: false }
    screen.row({ event, text, mark: '(2)', hasConversation: true })
    reader.getCursorPos = () => ({ rows: 0, cols: 2 })
    screen.note('sent')
    reader.getCursorPos = () => ({ rows: 2, cols: 2 })
    screen.note('wrapped')
    assert.equal(written[0]!.slice(0, 4), '\r\u001b[J')
    assert.match(written[0]!.slice(4), /^\d{4}-\d\d-\d\d \d\d:\d\d {2}\(2\) 李雷: 第一行\n {10}第二行\n$/)
    assert.deepEqual(written.slice(1), [
      'prompt true',
      '\r\u001b[Jsent\n',
      'prompt true',
      '\u001b[2A\r\u001b[Jwrapped\n\n\n',
      'prompt true',
    ])
    assert.equal(screen.isInteractive, true)
    reader.close()
  })
})

describe('the line about marks', () => {
  it('comes once for what was written, when the last of it is covered', () => {
    const line = new MarkLine()
    assert.equal(line.isNews('read', 9), false, 'nothing was written here')
    line.sent(10)
    line.sent(12)
    assert.equal(line.isNews('delivered', 10), false)
    assert.equal(line.isNews('delivered', 12), true)
    assert.equal(line.isNews('delivered', 13), false)
    assert.equal(line.isNews('read', 11), false)
    assert.equal(line.isNews('read', 12), true)
    assert.equal(line.isNews('read', 13), false)
    line.sent(14)
    assert.equal(line.isNews('read', 14), true)
    assert.equal(line.isNews('delivered', 14), false, 'who has read has received')
  })

  it('does not tell each delivery while nothing is read, nor what an answer shows', () => {
    const line = new MarkLine()
    line.sent(10)
    assert.equal(line.isNews('delivered', 10), true)
    line.sent(11)
    assert.equal(line.isNews('delivered', 11), false)
    line.answered()
    assert.equal(line.isNews('read', 12), false)
    line.sent(13)
    assert.equal(line.isNews('delivered', 13), true)
  })

  it('has a sign for a person only', () => {
    assert.equal(wordsOfMark('read', '小王', true), '  ✓ read by 小王')
    assert.equal(wordsOfMark('delivered', '小王', false), 'delivered to 小王')
    assert.equal(wordsOfMark('read', undefined, false), 'read')
  })
})

describe('the number of unread messages in the list', () => {
  it('is left out when there are none, and has no exact number at its end', () => {
    assert.deepEqual([0, 1, 99, 100].map(wordsOfUnread), ['', '1 new', '99 new', '99+ new'])
  })
})
