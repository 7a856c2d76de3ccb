import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import type { Content, Part, RecordEvent } from '../../src/client/index.js'
import type { AgentView } from '../../src/daemon/control/schemas.js'
import { kefuJson } from '../helpers/cli.js'
import { House } from '../helpers/house.js'
import { openReceiver, type Received, type Receiver } from '../helpers/receiver.js'
import { until } from '../helpers/until.js'

type Heard = { readonly contact: string; readonly text: string; readonly choices: unknown }
type Answer = (call: Received) => object | string | number | undefined

/** A house whose channel has a bot on a receiver, with a secret; `heard`: what agents and bots have said, by the contact who heard it. */
async function withBot(t: TestContext, answer: Answer) {
  const house = await House.open(t)
  const receiver = await openReceiver(t)
  answerWith(receiver, answer)
  const home = { home: house.home }
  await kefuJson(['agent', 'add', 'helper'], home)
  const words = ['agent', 'set', 'helper', '--role', 'bot', '--endpoint', receiver.url]
  const { secret } = await kefuJson<{ secret: string }>(words, home)
  await house.daemon.control('channel.set', { name: 'app', bot: 'helper' })
  const heard: Heard[] = []
  house.app.on('message', ({ contact = '', record }: RecordEvent) => {
    const [part] = (record.parts ?? []) as readonly (Part & { readonly choices?: unknown })[]
    const text = part !== undefined && 'text' in part ? (part.text ?? '') : ''
    if (record.by?.role === 'agent') heard.push({ contact, text, choices: part?.choices })
  })
  const shown = async (): Promise<AgentView> =>
    (await house.daemon.control<{ agent: AgentView }>('agent.show', { name: 'helper' })).agent
  const isUp = async (): Promise<boolean | undefined> => (await shown()).isUp
  const calls = async (): Promise<AgentView['calls']> => (await shown()).calls
  await until('the bot is up', async () => (await isUp()) === true)
  const conversations = new Map<string, string>()
  const say = async (contact: string, content: Content): Promise<void> => {
    conversations.set(contact, (await house.app.send(contact, content)).conversation)
  }
  const stateOf = async (contact: string): Promise<string> => {
    const conversation = conversations.get(contact)
    return (await house.daemon.control<{ conversation: { state: string } }>('queue.show', { conversation }))
      .conversation.state
  }
  return { house, receiver, secret, heard, say, isUp, calls, stateOf }
}

/** Answers with JSON, with a text as it is, with a status, or not at all. */
function answerWith(receiver: Receiver, answer: Answer): void {
  receiver.answer = (call, response) => {
    const given = call.body.messages?.length === 0 ? {} : answer(call)
    if (given === undefined) return
    if (typeof given === 'number') response.writeHead(given).end()
    else response.end(typeof given === 'string' ? given : JSON.stringify(given))
  }
}

const echo: Answer = ({ body }) => ({
  messages: body.messages?.map(({ parts }) => ({ parts: [{ type: 'text', text: `re ${parts[0]?.text}` }] })),
})

/** The questions that a bot was asked, without probes. */
const asked = (receiver: Receiver) => receiver.received.filter(({ body }) => body.messages?.length !== 0)

describe('a bot that is called', () => {
  test('answers in order through kill -9, each question once, asks with choices, and hands over', {
    timeout: 90_000,
  }, async t => {
    const { house, receiver, secret, heard, say, stateOf } = await withBot(t, echo)
    for (let i = 0; i < 10; i++) for (const contact of ['a', 'b', 'c']) await say(contact, `${contact}${i}`)
    const answersTo = (contact: string) => heard.filter(each => each.contact === contact).map(({ text }) => text)
    const answers = (contact: string, count: number) => Array.from({ length: count }, (_, i) => `re ${contact}${i}`)
    for (const contact of ['a', 'b', 'c']) await until(`${contact} is answered`, () => answersTo(contact).length === 10)

    // Killed while questions are on their way: what was asked is asked again under the same id, or with more behind it.
    const held: (() => void)[] = []
    receiver.answer = () => void held.push(() => undefined)
    for (const contact of ['a', 'b', 'c']) await say(contact, `${contact}10`)
    await until('all are asked', () => held.length === 3)
    await house.daemon.kill()
    answerWith(receiver, echo)
    await house.start()
    for (const contact of ['a', 'b', 'c']) await say(contact, `${contact}11`)
    for (const contact of ['a', 'b', 'c']) {
      await until(`${contact} is answered after the kill`, () => answersTo(contact).length >= 12)
      assert.deepEqual(answersTo(contact), answers(contact, 12))
    }
    const webhook = new Webhook(secret)
    for (const { text, headers } of receiver.received) webhook.verify(text, headers as Record<string, string>)

    const choices = [{ id: 'yes', label: '是' }]
    answerWith(receiver, ({ body }) =>
      body.messages?.[0]?.parts.some(({ name }) => name === 'choice')
        ? { messages: [{ parts: [{ type: 'text', text: 'a person comes' }] }], handOver: { note: 'wants a refund' } }
        : { messages: [{ parts: [{ type: 'choices', text: 'A refund?', choices }] }] },
    )
    await say('a', 'money')
    await until('a is asked', () => answersTo('a').length === 13)
    assert.deepEqual(heard.findLast(({ contact }) => contact === 'a')?.choices, choices)
    await say('a', [
      { type: 'text', text: '是' },
      { type: 'event', name: 'choice', data: { id: 'yes' } },
    ])
    await until('a is handed over', async () => (await stateOf('a')) === 'waiting')
    assert.equal(answersTo('a').at(-1), 'a person comes')
    const before = asked(receiver).length
    await say('a', 'hello?')
    answerWith(receiver, () => ({ close: true }))
    await say('b', 'bye')
    await until('b is closed', async () => (await stateOf('b')) === 'closed')
    assert.equal(asked(receiver).length, before + 1, 'what people have is not asked about')
  })

  test('that says nothing is not asked again; one that is wrong loses the conversation, one that is down all that is new', {
    timeout: 90_000,
  }, async t => {
    const { receiver, heard, say, isUp, calls, stateOf } = await withBot(t, () => ({}))
    await say('quiet', 'one')
    await until('the first is asked', () => asked(receiver).length === 1)
    await say('quiet', 'two')
    await until('the second is asked', () => asked(receiver).length === 2)
    assert.deepEqual(
      asked(receiver)[1]?.body.messages?.map(({ parts }) => parts[0]?.text),
      ['two'],
    )
    await until('its silence is counted', async () => (await calls())?.silent === 2)

    // Until the bot has it, a new conversation waits, too.
    const isHandedOver = async (contact: string): Promise<boolean> =>
      asked(receiver).some(({ body }) => body.contact === contact) && (await stateOf(contact)) === 'waiting'
    const wrong: readonly (string | object | number)[] = [
      '<html>',
      { handover: true },
      { messages: [{ parts: [{ type: 'image', media: 'md_1' }] }] },
      { handOver: { team: 'nowhere' } },
      'x'.repeat(100_000),
    ]
    for (const [index, answer] of wrong.entries()) {
      // Wrong three times in a row it would be taken for one that is down.
      answerWith(receiver, ({ body }) => (body.contact === `w${index}` ? answer : {}))
      await say(`ok${index}`, 'fine')
      await until('another one is asked', () => asked(receiver).some(({ body }) => body.contact === `ok${index}`))
      await say(`w${index}`, 'hello')
      await until(`${index} is handed over`, () => isHandedOver(`w${index}`))
      assert.equal(await stateOf(`ok${index}`), 'bot')
      await until('it is there again', async () => (await isUp()) === true)
    }

    answerWith(receiver, () => 500)
    receiver.answer = (_, response) => void response.writeHead(500).end()
    await say('late', 'hello')
    await until('it is handed over', () => isHandedOver('late'))
    assert.equal(await isUp(), false)
    const { answered, silent, failed, lastError } = (await calls())!
    assert.deepEqual([answered, silent, failed], [0, 7, 6])
    assert.equal(lastError?.reason, 'it answered 500')
    const before = asked(receiver).length
    await say('later', 'hello')
    await until('people get it from the beginning', async () => (await stateOf('later')) === 'waiting')
    await say('quiet', 'three')
    await until('what it had goes to people', async () => (await stateOf('quiet')) === 'waiting')
    assert.equal(asked(receiver).length, before)

    answerWith(receiver, echo)
    await until('it is seen to work again', async () => (await isUp()) === true, 40_000)
    await say('new', 'hi')
    await until('it answers', () => heard.some(({ contact, text }) => contact === 'new' && text === 're hi'))
  })
})
