import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { freePort } from '../helpers/free-port.js'
import { House } from '../helpers/house.js'
import { readText } from '../helpers/project.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'

/** The programs that docs/hooks.md shows, run as they stand there. */

const document = readText('docs/hooks.md')

const [RECEIVER, BOT] = [...document.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, source]) => source!)

/** Runs a program with a secret; what it has printed. */
function run(t: TestContext, source: string, port: number, secret: string): { readonly printed: () => string } {
  const file = join(tmpDir(t), 'program.mjs')
  writeFileSync(file, source)
  const child = spawn(process.execPath, [file], { env: { ...process.env, SECRET: secret, PORT: String(port) } })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += String(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    printed += String(chunk)
  })
  t.after(() => void child.kill('SIGKILL'))
  return { printed: () => printed }
}

test('the receiver and the bot of docs/hooks.md work as they stand there', { timeout: 60_000 }, async t => {
  const house = await House.open(t)
  const { daemon, app } = house
  const heard: string[] = []
  app.on('message', ({ record }) => {
    if (record.by?.role === 'agent') heard.push(JSON.stringify(record.parts))
  })
  const [hookPort, botPort] = [await freePort(), await freePort()]
  const hook = await daemon.control<{ secret: string }>('hook.add', {
    name: 'crm',
    url: `http://127.0.0.1:${hookPort}/`,
  })
  await daemon.control('agent.add', { name: 'helper' })
  const endpoint = `http://127.0.0.1:${botPort}/`
  const bot = await daemon.control<{ secret: string }>('agent.set', { name: 'helper', role: 'bot', endpoint })
  await daemon.control('channel.set', { name: 'app', bot: 'helper' })
  const receiver = run(t, RECEIVER!, hookPort, hook.secret)
  const prelude = RECEIVER!.split('createServer(')[0]!
  run(t, `${prelude.replace('const seen', 'export const seen')}${BOT!}`, botPort, bot.secret)
  const isUp = async () =>
    (await daemon.control<{ agent: { isUp: boolean } }>('agent.show', { name: 'helper' })).agent.isUp
  await until('the bot is seen', isUp)

  await app.send('c', 'hello')
  await until('the bot asks', () => heard.length === 1)
  assert.match(heard[0]!, /What can I do for you\?.*Talk to a person/)
  const tap = (id: string, text: string) =>
    app.send('c', [
      { type: 'text', text },
      { type: 'event', name: 'choice', data: { id } },
    ])
  await tap('hours', 'Opening hours')
  await until('the bot answers', () => heard.length === 2)
  assert.match(heard[1]!, /from 9 to 18/)
  await tap('person', 'Talk to a person')
  await until('the receiver has it all', () => /\nqueued c \n/.test(receiver.printed()))
  assert.match(receiver.printed(), /^opened c \nmessage c hello\n(.*\n)*message c Talk to a person\n(.*\n)*queued c \n/)

  // Somebody else's calls are not believed.
  const answer = await fetch(endpoint, { method: 'POST', body: '{"messages":[]}' })
  assert.equal(answer.status, 401)
})
