import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createPlatformHttp } from '../../src/daemon/channels/platform-http.js'
import { WEBHOOK } from '../../src/daemon/channels/tables/webhook.js'
import { WEBHOOK_DRIVER } from '../../src/daemon/channels/webhook/adapter.js'
import type { Adapter, InboundEvent, OutboundPiece } from '../../src/daemon/core/channel-adapter.js'
import { isKefuError } from '../../src/errors.js'
import { freePort } from '../helpers/free-port.js'
import { readText } from '../helpers/project.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'

/** The document's examples, run as they stand: only addresses and ports are replaced. */

const DOCUMENT = readText('docs/channels/webhook.md')
const CALLBACK = 'https://kefu.example/v1/channels/shop/callback'
const OPEN = new AbortController().signal

const hasTools = ['curl', 'openssl', 'od'].every(tool => {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})
const skip = hasTools ? false : 'curl, openssl and od are needed'

/** The fenced examples of a language that hold a text. */
function example(language: string, text: string): string {
  const fences = [...DOCUMENT.matchAll(/^ *```(\w+)\n([\s\S]*?)^ *```$/gm)]
  const found = fences.filter(([, name, code]) => name === language && code?.includes(text))
  assert.equal(found.length, 1, `${found.length} examples of ${language} with ${text}`)
  return found[0]![2]!
}

function open(secrets: Readonly<Record<string, string>>, endpoint: string, t: TestContext): Adapter {
  const http = createPlatformHttp()
  t.after(() => http.close())
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() }
  const values = Object.entries(secrets).map(([name, value]) => [name, { value }] as const)
  const ports = { http, clock, random: (length: number) => new Uint8Array(length) }
  return WEBHOOK_DRIVER.open(ports, { settings: { endpoint }, secrets: new Map(values) })
}

/** A callback address behind which the adapter reads. */
async function callbackServer(t: TestContext, adapter: Adapter): Promise<{ url: string; events: InboundEvent[] }> {
  const events: InboundEvent[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const header = (name: string) => request.headers[name]?.toString()
    const bytes = Buffer.concat(chunks)
    const query = new URLSearchParams()
    try {
      const reception = adapter.receive({ method: 'POST', query, header, bytes, arrivedAtMs: Date.now() })
      events.push(...reception.events)
      response.writeHead(reception.answer.status).end(reception.answer.body)
    } catch (error) {
      response.writeHead(isKefuError(error) ? error.status : 500).end(String(error))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, events }
}

/** A folder with the secrets that the first example makes. */
function secretsOf(t: TestContext): { folder: string; secrets: Readonly<Record<string, string>> } {
  const folder = tmpDir(t)
  execFileSync('sh', ['-e', '-c', example('sh', '>inbound.secret')], { cwd: folder })
  const read = (name: string) => execFileSync('cat', [`${name}.secret`], { cwd: folder, encoding: 'utf8' }).trim()
  const secrets = { 'inbound-secret': read('inbound'), 'outbound-secret': read('outbound') }
  for (const [name, secret] of Object.entries(secrets))
    assert.match(secret, WEBHOOK.credentials[name as keyof typeof secrets].pattern)
  return { folder, secrets }
}

async function run(command: string, args: readonly string[], folder: string): Promise<string> {
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  const [code] = await once(child, 'close')
  assert.equal(code, 0, output)
  return output
}

describe('docs/channels/webhook.md', { skip, timeout: 30_000 }, () => {
  test('its sender of curl and openssl is understood', async t => {
    const { folder, secrets } = secretsOf(t)
    const { url, events } = await callbackServer(t, open(secrets, 'http://127.0.0.1:9/', t))
    const script = example('sh', 'curl -sS').replace(CALLBACK, url)
    assert.equal(await run('sh', ['-e', '-c', script], folder), '{"ok":true}')
    const [event] = events
    assert.ok(event !== undefined && event.type === 'message')
    assert.deepEqual([event.contact, event.name, event.parts], ['c-17', '王芳', [{ type: 'text', text: '在吗？' }]])
    assert.ok(Math.abs(event.sentAtMs - Date.now()) < 60_000)
  })

  test('its sender of Node is understood', async t => {
    const { folder, secrets } = secretsOf(t)
    const { url, events } = await callbackServer(t, open(secrets, 'http://127.0.0.1:9/', t))
    writeFileSync(join(folder, 'send.mjs'), example('js', 'async function tell').replace(CALLBACK, url))
    assert.equal(await run(process.execPath, ['send.mjs'], folder), '')
    assert.deepEqual(
      events.map(({ key, type }) => [key, type]),
      [
        ['e-1002', 'message'],
        ['e-1003', 'sign'],
      ],
    )
  })

  test('its receiver takes what is sent, each once, and believes nobody else', async t => {
    const { folder, secrets } = secretsOf(t)
    const port = await freePort()
    writeFileSync(join(folder, 'receive.mjs'), example('js', 'createServer').replace('8090', String(port)))
    const child = spawn(process.execPath, ['receive.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => stop(child))
    let output = ''
    child.stdout.on('data', chunk => {
      output += String(chunk)
    })
    const endpoint = `http://127.0.0.1:${port}/`
    const adapter = open(secrets, endpoint, t)
    const hello: OutboundPiece = { part: { type: 'text', text: '您好 👋' } }
    const to = { contact: 'c-17', n: 7, piece: 0, id: 'm' }
    await listening(adapter)
    assert.deepEqual(await adapter.send(to, hello, OPEN), { type: 'sent' })
    assert.deepEqual(await adapter.send(to, hello, OPEN), { type: 'sent' })
    await until('the message is printed', () => output.includes('您好'))
    assert.equal(output, 'to c-17: 您好 👋\n')
    const steps = await adapter.check(OPEN)
    assert.ok(
      steps.every(({ result }) => result === 'ok'),
      JSON.stringify(steps),
    )
    const forger = open({ ...secrets, 'outbound-secret': secrets['inbound-secret']! }, endpoint, t)
    assert.equal((await forger.send({ ...to, id: 'other' }, hello, OPEN)).type, 'channel-down')
  })
})

test('docs/channels/webhook.md names every setting', () => {
  for (const name of Object.keys({ ...WEBHOOK.settings, ...WEBHOOK.credentials }))
    assert.ok(DOCUMENT.includes(name), name)
})

/** Waits until the receiver answers. */
async function listening(adapter: Adapter): Promise<void> {
  const endsAt = performance.now() + 10_000
  for (;;) {
    const ping = (await adapter.check(OPEN)).find(({ step }) => step === 'ping')
    if (ping?.result === 'ok') return
    assert.ok(performance.now() < endsAt, JSON.stringify(ping))
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'close')
}
