import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AppClient, createApp } from '../../src/client/index.js'
import { kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'

type Contact = {
  readonly conversation: string
  readonly channel: string
  readonly contact: string
  readonly name?: string
  readonly language?: string
  readonly attributes: Readonly<Record<string, string>>
  readonly person?: string
  readonly conversations: readonly {
    readonly conversation: string
    readonly contact: string
    readonly state: string
    readonly episode: number
    readonly rating?: number
  }[]
}
type Answer = { readonly contact: Contact; readonly changed: boolean }

const notFound = { code: 'KEFU_CONVERSATION_NOT_FOUND', exit: 13 }
const usage = (message: RegExp) => ({ code: 'KEFU_USAGE', exit: 2, message })

describe('contacts from the command line', () => {
  const home = makeTmpDir()
  const options = { home }
  const config = 'http:\n  port: 0\n'
  let daemon: DaemonProcess
  let app: AppClient
  before(async () => {
    daemon = await DaemonProcess.start({ home, config })
    const { token } = await daemon.control<{ token: string }>('channel.add', { kind: 'app', name: 'backend' })
    app = createApp({ url: await daemon.socketUrl(), token, random: () => 0 })
    for (const contact of ['user-1', 'user/2', 'user-3']) await app.send(contact, `hello of ${contact}`)
    await app.close()
  })
  after(async () => {
    await daemon.kill()
    removeDir(home)
  })

  const contact = (...words: string[]) => kefuJson<Answer>(['contact', ...words], options)
  const contactsOf = ({ contact: { conversations } }: Answer) => conversations.map(each => each.contact).toSorted()

  test('are shown by conversation or by channel and id, and changed', async () => {
    const first = (await contact('show', 'backend/user-1')).contact
    assert.deepEqual(
      [first.channel, first.contact, first.attributes, first.person],
      ['backend', 'user-1', {}, undefined],
    )
    assert.deepEqual(await contact('show', first.conversation), { contact: first })
    const words = [
      'set',
      'backend/user-1',
      '--name',
      '李雷',
      '--language',
      'zh',
      '--attribute',
      'tier=gold',
      '--attribute',
      'a=b=c',
    ]
    const set = await contact(...words)
    assert.deepEqual(
      [set.changed, set.contact.name, set.contact.language, set.contact.attributes],
      [true, '李雷', 'zh', { tier: 'gold', a: 'b=c' }],
    )
    assert.equal((await contact(...words)).changed, false)
    const less = await contact('set', 'backend/user-1', '--attribute', 'a=', '--language', '')
    assert.deepEqual([less.contact.attributes, less.contact.language], [{ tier: 'gold' }, undefined])
    const show = await runKefu(['contact', 'show', 'backend/user-1'], options)
    assert.match(
      show.stdout,
      new RegExp(
        `^contact\\tbackend/user-1\\nconversation\\t${first.conversation}\\nname\\t李雷\\nattribute tier\\tgold\\n` +
          `of the person\\t${first.conversation}\\tbackend\\t李雷\\twaiting\\t\\t1\\t\\t\\d{4}-.*Z\\n$`,
      ),
    )
  })

  test('are merged, over a daemon that dies, and split again', async () => {
    const merged = await contact('merge', 'backend/user-1', 'backend/user/2', 'backend/user-3')
    assert.deepEqual([merged.changed, contactsOf(merged)], [true, ['user-1', 'user-3', 'user/2']])
    assert.match(merged.contact.person ?? '', /^p_/)
    assert.equal((await contact('merge', 'backend/user-3', 'backend/user-1')).changed, false)
    await daemon.kill()
    daemon = await DaemonProcess.start({ home, config })
    assert.deepEqual(contactsOf(await contact('show', 'backend/user/2')), ['user-1', 'user-3', 'user/2'])
    const split = await contact('split', 'backend/user/2')
    assert.deepEqual([split.changed, split.contact.person, contactsOf(split)], [true, undefined, ['user/2']])
    assert.equal((await contact('split', 'backend/user/2')).changed, false)
    assert.deepEqual(contactsOf(await contact('show', 'backend/user-1')), ['user-1', 'user-3'])
    const show = await runKefu(['contact', 'merge', 'backend/user-1', 'backend/user-3'], options)
    assert.match(show.stdout, /\nresult\tunchanged\n$/)
  })

  test('what cannot be is said in one sentence', async () => {
    const { conversation } = (await contact('show', 'backend/user-1')).contact
    await kefuFails(['contact', 'show', 'backend/nobody'], notFound, options)
    await kefuFails(['contact', 'show', 'c_00000000000000000000000000'], notFound, options)
    await kefuFails(['contact', 'show', 'shop/x'], { code: 'KEFU_CHANNEL_NOT_FOUND', exit: 13 }, options)
    await kefuFails(
      ['contact', 'show', 'backend'],
      usage(/neither the id of a conversation nor CHANNEL\/CONTACT/),
      options,
    )
    await kefuFails(['contact', 'set', conversation], usage(/nothing to change/), options)
    await kefuFails(['contact', 'set', conversation, '--attribute', 'x'], usage(/--attribute tier=gold/), options)
    await kefuFails(['contact', 'set', conversation, '--language', 'Chinese!'], usage(/./), options)
    await kefuFails(['contact', 'merge', conversation], usage(/two contacts or more/), options)
    await kefuFails(['contact', 'merge', conversation, 'backend/user-1'], usage(/not linked with itself/), options)
    await kefuFails(['contact', 'merge', conversation, 'backend/nobody'], notFound, options)
    await kefuFails(['contact', 'split', 'backend/nobody'], notFound, options)
  })

  test('queue set changes what a conversation is routed by', async () => {
    const { conversation } = (await contact('show', 'backend/user-3')).contact
    type Entry = { readonly conversation: Readonly<Record<string, unknown>> }
    const show = async () => (await kefuJson<Entry>(['queue', 'show', conversation], options)).conversation
    await kefuJson(['team', 'add', 'refunds'], options)
    const words = ['--priority', 'urgent', '--subject', '发票', '--tag', 'vip', '--tag', 'new', '--team', 'refunds']
    const skills = ['--requires', 'french=3', '--requires', 'tax=1', '--prefers', 'refunds', '--language', 'fr']
    await kefuJson(['queue', 'set', conversation, ...words, ...skills], options)
    const { priority, subject, tags, team, requires, prefers, language } = await show()
    assert.deepEqual(
      { priority, subject, tags, team, requires, prefers, language },
      {
        priority: 'urgent',
        subject: '发票',
        tags: ['vip', 'new'],
        team: 'refunds',
        requires: { french: 3, tax: 1 },
        prefers: ['refunds'],
        language: 'fr',
      },
    )
    const plain = await runKefu(
      ['queue', 'set', conversation, '--untag', 'new', '--requires', '', '--prefers', '', '--subject', ''],
      options,
    )
    assert.match(plain.stdout, new RegExp(`^${conversation}\\t\\d+\\tchanged\\n$`))
    const less = await show()
    assert.deepEqual([less.tags, less.requires, less.prefers, less.subject], [['vip'], {}, [], undefined])
    await kefuFails(['queue', 'set', conversation], usage(/nothing to change/), options)
    await kefuFails(['queue', 'set', conversation, '--requires', 'french'], usage(/--requires french=3/), options)
    await kefuFails(['queue', 'set', conversation, '--requires', 'french=9'], usage(/./), options)
    await kefuFails(['queue', 'set', conversation, '--team', 'x'], { code: 'KEFU_TEAM_NOT_FOUND', exit: 13 }, options)
    await kefuFails(['queue', 'set', 'c_00000000000000000000000000', '--tag', 'x'], notFound, options)
  })
})
