import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runKefu } from '../helpers/cli.js'
import { readJson } from '../helpers/project.js'
import { tmpDir } from '../helpers/tmp-dir.js'

const COMMANDS = ['daemon start', 'daemon restart', 'daemon stop', 'store check', 'store info', 'agent list']
const CONFIGURED = ['daemon start', 'daemon run', 'daemon restart', 'store check', 'store info', 'config list']

const { commands } = readJson<{ readonly commands: Record<string, { readonly exitCodes: readonly number[] }> }>(
  'oclif.manifest.json',
)

test('a daemon that does not answer ends every command with an exit code of its help', t =>
  allEndWith(18, COMMANDS, t, () => undefined, '300ms'))

test('so does a daemon that refuses', t =>
  allEndWith(12, COMMANDS, t, (_, response) => {
    const error = { code: 'KEFU_CONTROL_REFUSED', message: 'no', hint: 'none', exit: 12, retryable: false }
    response.writeHead(403, { 'kefu-protocol': '1' }).end(JSON.stringify({ error }))
  }))

test('so does a daemon of another protocol', t =>
  allEndWith(17, COMMANDS, t, (_, response) => response.writeHead(400, { 'kefu-protocol': '99' }).end('{}')))

test('so does a configuration that is not valid', async t => {
  const home = tmpDir(t)
  mkdirSync(join(home, 'store'))
  writeFileSync(join(home, 'kefu.yaml'), 'http: [\n')
  for (const command of CONFIGURED) {
    const { code, stderr } = await runKefu(command.split(' '), { home })
    assert.equal(code, 15, `${command}: ${stderr}`)
    says(command, 15)
  }
})

/** `timeout` is short only where it is what ends the command: a busy machine may be long in answering. */
async function allEndWith(
  exit: number,
  of: readonly string[],
  t: TestContext,
  answer: RequestListener,
  timeout = '30s',
): Promise<void> {
  const home = tmpDir(t)
  const socket = join(home, 'kefu.sock')
  const server = createServer(answer).listen(socket)
  await new Promise(resolve => server.once('listening', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  for (const command of of) {
    const { code, stderr } = await runKefu([...command.split(' '), '--socket', socket, '--timeout', timeout], { home })
    assert.equal(code, exit, `${command}: ${stderr}`)
    says(command, exit)
  }
}

function says(command: string, exit: number): void {
  const { exitCodes } = commands[command.replaceAll(' ', ':')]!
  assert.ok(exitCodes.includes(exit), `the help of ${command} lacks exit code ${exit}`)
}
