import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type AgentClient, createAgent, createVisitor, isKefuError, type Visitor } from '../../src/client/index.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { tmpDir } from '../helpers/tmp-dir.js'

const WAIT = 10_000

async function eventually(isSo: () => boolean, what: string): Promise<void> {
  const until = Date.now() + WAIT
  while (!isSo()) {
    if (Date.now() > until) assert.fail(`${what} did not come`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

test('a person keeps its conversations when the process dies, and its agent reads all of them', async t => {
  const home = join(tmpDir(t), 'home')
  let daemon = await DaemonProcess.start({ home, config: 'http:\n  port: 0\n' })
  t.after(() => daemon.kill())
  await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
  const tokens: string[] = []
  for (const name of ['li', 'wang']) tokens.push((await daemon.control<{ token: string }>('agent.add', { name })).token)
  const connect = async (): Promise<AgentClient[]> => {
    const url = await daemon.socketUrl()
    const agents = tokens.map(token => createAgent({ url, token, random: () => 0 }))
    for (const agent of agents) t.after(() => agent.close())
    await Promise.all(agents.map(agent => agent.ready(AbortSignal.timeout(WAIT))))
    return agents
  }
  let [li, wang] = (await connect()) as [AgentClient, AgentClient]
  const url = await daemon.socketUrl()
  const visitors: Visitor[] = []
  for (const text of ['one', 'two']) {
    const visitor = createVisitor({ url, channel: 'site', random: () => 0 })
    t.after(() => visitor.close())
    await visitor.send(text)
    visitors.push(visitor)
  }
  await eventually(() => li.conversations().length === 1 && wang.conversations().length === 1, 'a conversation each')
  const [mine, other] = [li.conversations()[0]!.conversation, wang.conversations()[0]!.conversation]
  const finds = async (agent: AgentClient): Promise<string[]> => {
    const { hits } = await agent.search({ query: 'one OR two', order: 'oldest' })
    return hits.map(({ text, marks: [mark] }) => text.slice(...mark!)).toSorted()
  }
  assert.equal((await finds(li)).length, 1, 'what is acknowledged is found, and of other people nothing')
  const isUnknown = (error: unknown): boolean => isKefuError(error, 'KEFU_CONVERSATION_NOT_FOUND')
  await assert.rejects(li.history(other, {}), isUnknown)
  await assert.rejects(li.contact(other), isUnknown)
  await assert.rejects(li.command(mine, { do: 'link', with: other }), isUnknown)
  await daemon.control('queue.command', { conversation: mine, command: { do: 'link', with: other } })
  await daemon.control('canned.add', { name: 'hi', texts: [{ language: '', text: 'Hello {contact}, {agent} here' }] })
  await daemon.control('contact.set', { ref: mine, set: { name: '李雷' } })
  const before = await li.contact(mine)
  assert.deepEqual(before.conversations.map(({ conversation }) => conversation).toSorted(), [mine, other].toSorted())

  await Promise.all([li.close(), wang.close()])
  await daemon.kill()
  daemon = await DaemonProcess.start({ home, config: 'http:\n  port: 0\n' })
  ;[li, wang] = (await connect()) as [AgentClient, AgentClient]
  const after = await li.contact(mine)
  assert.deepEqual([after.person, after.conversations.length], [before.person, 2])
  const [reply] = (await li.cannedReplies(mine, 'hi')).replies
  assert.deepEqual(reply, { shortcut: 'hi', text: 'Hello 李雷, li here' })
  await assert.rejects(li.cannedReplies(other), isUnknown)
  assert.deepEqual(await finds(li), ['one', 'two'])
  const { records } = await li.history(other, {})
  assert.ok(records.some(({ record }) => record.type === 'message'))
  await wang.command(other, { do: 'unlink' })
  await assert.rejects(li.history(other, {}), isUnknown)
  assert.equal((await li.contact(mine)).conversations.length, 1)
  assert.equal((await finds(li)).length, 1)
})
