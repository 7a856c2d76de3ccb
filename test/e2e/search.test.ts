import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import WebSocket from 'ws'
import { createVisitor, type WebSocketConstructor } from '../../src/client/index.js'
import { kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'

type Hit = {
  readonly text: string
  readonly n: number
  readonly conversation: string
  readonly marks: readonly (readonly [number, number])[]
}
type Found = { readonly hits: readonly Hit[]; readonly next?: string; readonly isPartial: boolean }
type Status = { readonly search: { readonly state: string; readonly lag: number; readonly docs: number } }

/** In the order of this file, on one daemon and what it becomes. */
describe('the search in the history of a real daemon', () => {
  const home = makeTmpDir()
  const options = { home }
  const config = LOAD_TEST_CONFIG
  let daemon: DaemonProcess
  let visitor: ReturnType<typeof createVisitor>

  const connect = async (): Promise<void> => {
    const webSocket = WebSocket as unknown as WebSocketConstructor
    visitor = createVisitor({ url: await daemon.socketUrl(), webSocket, channel: 'shop', name: '李雷' })
  }
  const ask = (words: string, more: object = {}) =>
    daemon.control<{ hits: readonly Hit[]; next?: string }>('history.search', { words, ...more })
  const search = (...words: string[]) => kefuJson<Found>(['history', 'search', ...words], options)

  before(async () => {
    daemon = await DaemonProcess.start({ home, config })
    await daemon.control('channel.add', { kind: 'web', name: 'shop', origins: [] })
    await daemon.control('agent.add', { name: 'lily' })
    await connect()
  })
  after(async () => {
    await visitor.close()
    await daemon.kill()
    removeDir(home)
  })

  test('a message is found the moment it is acknowledged', async () => {
    for (let i = 0; i < 20; i++) {
      await visitor.send(`第${i}个订单 2026110${100 + i}77 refund`)
      const { hits } = await ask(`0${100 + i}7`)
      assert.deepEqual(
        hits.map(({ text }) => text),
        [`第${i}个订单 2026110${100 + i}77 refund`],
      )
    }
    assert.equal((await ask('单')).hits.length, 20)
  })

  test('after a kill -9 everything that was acknowledged is found', async () => {
    await Promise.all(Array.from({ length: 30 }, (_, i) => visitor.send(`before the crash ${i}`)))
    await daemon.kill()
    await visitor.close()
    daemon = await DaemonProcess.start({ home, config })
    assert.equal((await ask('"before the crash"')).hits.length, 30)
    assert.equal((await ask('单')).hits.length, 20)
    await connect()
    await visitor.send('after the crash')
    assert.equal((await ask('crash')).hits.length, 31)
  })

  test('after reindexing, too, and while it goes on', async () => {
    await daemon.control('store.reindex')
    assert.equal((await ask('crash OR 单')).hits.length, 50)
    const wait = await runKefu(['store', 'reindex', '--wait'], options)
    assert.match(wait.stdout, /^search\tready 0 51 \d+\n$/)
    const { search: status } = await kefuJson<Status>(['status'], options)
    assert.deepEqual([status.state, status.lag, status.docs], ['ready', 0, 51])
    assert.match((await runKefu(['store', 'info'], options)).stdout, /^search\tready 0 51 /m)
    assert.match((await runKefu(['metrics'], options)).stdout, /^kefu_search_documents 51$/m)
  })

  test('an index that somebody has damaged does not keep it from starting', async () => {
    assert.equal(await daemon.stop(), 0)
    const { readdirSync, writeFileSync } = await import('node:fs')
    const folder = `${home}/search/index`
    for (const file of readdirSync(folder)) writeFileSync(`${folder}/${file}`, 'nothing of any use')
    daemon = await DaemonProcess.start({ home, config })
    assert.equal((await ask('crash')).hits.length, 31)
    await until('it is built', async () => (await daemon.control<Status>('daemon.status')).search.lag === 0)
  })

  test('the command shows, counts, pages and says when nothing was found', async () => {
    const [plain, count, all, page, none] = await Promise.all([
      runKefu(['history', 'search', 'after', 'crash'], options),
      runKefu(['history', 'search', 'crash', '--count'], options),
      search('refund', '--order', 'oldest', '--channel', 'shop', '--direction', 'in'),
      search('refund', '--order', 'oldest', '--limit', '7'),
      runKefu(['history', 'search', 'nobody ever said this'], options),
    ])
    assert.match(plain.stdout, /^[\dT:.-]+Z\tc_\w{26}\t\d+\tshop\tv_\w+\tcontact\t李雷\tafter the crash\n$/)
    assert.equal(count.stdout, 'count\t31\ncomplete\tyes\n')
    assert.deepEqual([none.code, none.stdout, none.stderr], [0, '', 'Nothing was found.\n'])
    assert.equal(all.hits.length, 20)
    assert.deepEqual(page.hits, all.hits.slice(0, 7))
    const rest = await search('refund', '--order', 'oldest', '--cursor', page.next!)
    assert.deepEqual([...page.hits, ...rest.hits], all.hits)
    const [{ text, marks, conversation, n }] = all.hits as [Hit]
    assert.deepEqual(
      marks.map(([start, end]) => text.slice(start, end)),
      ['refund'],
    )
    const shown = await runKefu(['history', 'show', conversation, '--after', String(n - 1), '--limit', '1'], options)
    assert.match(shown.stdout, /第0个订单/)
    assert.equal((await search('--agent', 'lily')).hits.length, 0)
    assert.equal((await search('crash', '--until', '2020-01-01')).hits.length, 0)
    assert.equal((await search('crash', '--since', '1h', '--context', '1')).hits.length, 31)
  })

  test('what cannot be asked is said, with the nearest name', async () => {
    const fails = (code: string, exit: number, words: string[], message?: RegExp) =>
      kefuFails(['history', 'search', ...words], { code, exit, ...(message && { message }) }, options)
    await fails('KEFU_SEARCH_INVALID', 2, ['('])
    await fails('KEFU_SEARCH_INVALID', 2, ['x'.repeat(513)])
    await fails('KEFU_USAGE', 2, ['x'.repeat(5_000)])
    await fails('KEFU_CHANNEL_NOT_FOUND', 13, ['x', '--channel', 'shap'], /did you mean "shop"/)
    await fails('KEFU_AGENT_NOT_FOUND', 13, ['x', '--agent', 'lilly'], /did you mean "lily"/)
    await fails('KEFU_TEAM_NOT_FOUND', 13, ['x', '--team', 'none'])
    await fails('KEFU_CONVERSATION_NOT_FOUND', 13, ['x', '--contact', 'nobody'])
    await fails('KEFU_USAGE', 2, ['x', '--cursor', 'bmV3ZXN0IC0x'])
    await fails('KEFU_USAGE', 2, ['x', '--since', '1h', '--until', '2h'])
    assert.equal((await search('/(a+)+(a+)+$/', '\u001b[2J')).hits.length, 0)
  })
})
