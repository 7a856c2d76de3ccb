import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { Canaries } from '../helpers/canaries.js'
import { type CliOptions, type CliResult, runKefu } from '../helpers/cli.js'
import { kefuWithInput } from '../helpers/cli-input.js'
import { createSystemClock } from '../helpers/manual-clock.js'
import { tmpDir } from '../helpers/tmp-dir.js'

const SCAN_INTERVAL_MS = 40

test('no secret is in a file, an answer, an error or a process list in clear, whatever goes wrong', async t => {
  const home = join(tmpDir(t), 'home')
  mkdirSync(home, { mode: 0o700 })
  const outside = tmpDir(t)
  const options: CliOptions = { home, environment: { KEFU_DEBUG: '1' } }
  const canaries = new Canaries()
  const secretFile = (value: string): string => {
    const path = join(outside, randomBytes(4).toString('hex'))
    writeFileSync(path, `${value}\n`, { mode: 0o600 })
    return path
  }
  const check = (what: string, { code, stdout, stderr }: CliResult, isWanted: boolean): void => {
    assert.equal(code === 0, isWanted, `${what} ended with ${code}: ${stderr}`)
    canaries.look(`stdout of ${what}`, stdout)
    canaries.look(`stderr of ${what}`, stderr)
  }
  let isAlone = true
  const run = async (isWanted: boolean, ...words: string[]) =>
    check(words.slice(0, 3).join(' '), await runKefu(words, { ...options, isAlone }), isWanted)
  const pipe = async (isWanted: boolean, text: string, ...words: string[]) =>
    check(words.slice(0, 3).join(' '), await kefuWithInput(words, text, options), isWanted)
  const hold = (isWanted: boolean, text: string, ...words: string[]) =>
    run(isWanted, ...words, '--from-file', secretFile(text))
  const start = () => run(true, 'daemon', 'start', '--port', '0', '--set', 'log.level=debug')
  t.after(() => runKefu(['daemon', 'stop', '--now'], { home }))

  await start()
  await run(true, 'channel', 'add', 'web', 'shop')

  // As it should be: from then on nobody on this machine sees one in a list of processes.
  const scan = setInterval(() => scanProcesses(canaries), SCAN_INTERVAL_MS)
  await pipe(true, canaries.next(), 'credential', 'set', 'shop', 'from-stdin', '--stdin')
  await run(true, 'credential', 'set', 'shop', 'from-file', '--from-file', secretFile(canaries.next()))
  const slowly = `sleep 0.1; cat ${secretFile(canaries.next())}; sleep 0.1`
  await run(true, 'credential', 'set', 'shop', 'from-command', '--from-command', slowly)
  await pipe(true, canaries.next(), 'credential', 'rotate', 'shop', 'from-stdin', '--stdin')
  await pipe(true, canaries.next(), 'credential', 'rekey', '--to', 'passphrase', '--stdin')
  clearInterval(scan)

  isAlone = false
  await hold(true, canaries.next(), 'credential', 'set', 'shop', 'from-stdin', '--json')
  await hold(true, canaries.next(), 'credential', 'rotate', 'shop', 'from-stdin')
  await hold(true, canaries.next(), 'credential', 'rotate', 'shop', 'from-file', '--keep', '0s')
  await hold(true, `${canaries.next()}\n${canaries.next()}`, 'credential', 'set', 'shop', 'lines')
  await run(true, 'credential', 'list')
  await run(true, 'credential', 'list', '--json')
  await run(true, 'credential', 'rekey', '--to', 'file')
  // Values that are refused.
  await hold(false, `${canaries.next()}\u0007`, 'credential', 'set', 'shop', 'bell')
  await hold(false, canaries.next().repeat(300), 'credential', 'set', 'shop', 'long', '--json')
  await hold(false, canaries.next(), 'credential', 'rotate', 'shop', 'none')
  await hold(false, canaries.next(), 'credential', 'set', 'none', 'token')
  await hold(false, canaries.next(), 'credential', 'set', 'shop', 'No Name', '--debug')
  await hold(false, `${canaries.next()}\u0007`, 'credential', 'rekey', '--to', 'passphrase')
  const failing = `cat ${secretFile(canaries.next())}; exit 3`
  await run(false, 'credential', 'set', 'shop', 'token', '--from-command', failing)

  // What a person types at the wrong place: the command line has it then, and nothing else.
  const words = () => ['credential', 'set', 'shop', 'token']
  await run(false, ...words(), canaries.next())
  await run(false, ...words(), canaries.next(), '--json')
  await run(false, ...words(), canaries.next(), '--debug')
  await run(false, ...words(), `--value=${canaries.next()}`)
  await run(false, ...words(), '--value', canaries.next(), '--debug')
  await run(false, 'credential', 'set', 'shop', canaries.next(), '--from-command', 'echo x')
  await run(false, 'credential', 'set', canaries.next(), 'token', '--from-command', 'echo x', '--debug')
  await run(false, 'credential', 'rotate', 'shop', 'lines', '--keep', canaries.next(), '--debug')
  await run(false, 'credential', 'remove', 'shop', canaries.next(), '--yes', '--json')
  await run(false, 'credential', 'list', canaries.next())
  await run(false, 'credential', 'list', '--limit', canaries.next(), '--debug')
  await run(false, 'credential', 'list', '--sort', canaries.next())
  await run(false, 'credential', 'rekey', '--to', canaries.next())
  await run(false, 'credential', 'rekey', canaries.next(), '--debug')

  // Requests with a secret in any field, and in none.
  const shop = { owner: 'shop', name: 'token', value: 'x', keepMs: 0 }
  const path = join(home, 'run', 'kefu.sock')
  for (const operation of ['set', 'rotate', 'remove', 'list', 'rekey'])
    for (const field of ['owner', 'name', 'value', 'keepMs', 'to', 'passphrase', 'sort', 'cursor', 'limit', 'more'])
      for (const wrong of [canaries.next(), { [canaries.next()]: 1 }, [canaries.next()], `${canaries.next()}\u0007`])
        await post(canaries, path, operation, JSON.stringify({ ...shop, [field]: wrong }))
  for (const operation of ['set', 'rekey']) {
    await post(canaries, path, operation, JSON.stringify({ ...shop, [canaries.next()]: 1 }))
    await post(canaries, path, operation, `{"value": ${canaries.next()}}`)
    await post(canaries, path, operation, JSON.stringify(canaries.next()))
    await post(canaries, path, operation, canaries.next().repeat(30_000))
  }

  // An entry that was damaged.
  await run(true, 'daemon', 'stop')
  await damage(home, 'credential/channel/1/from-stdin')
  await start()
  await run(true, 'credential', 'list')
  await run(false, 'credential', 'rekey', '--debug')
  await run(true, 'status')
  await hold(false, canaries.next(), 'credential', 'rotate', 'shop', 'from-stdin')
  scanProcess(canaries, Number(/^pid\t(\d+)$/m.exec((await runKefu(['daemon', 'status'], { home })).stdout)?.[1]))
  await run(true, 'daemon', 'stop')

  // The logs, the store's files, the records of sockets: what a backup has.
  const control = canaries.next()
  writeFileSync(join(home, 'control'), `${Buffer.from(`  ${control}`).toString('base64')}`)
  const files = canaries.lookThrough(home)
  assert.ok(files.includes('daemon.log') && files.some(name => name.endsWith('.ldb') || name.endsWith('.log')))
  assert.deepEqual(canaries.found, ['file control'])
})

/** Every command line there is, as `ps` shows them. */
function scanProcesses(canaries: Canaries): void {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) look(canaries, pid, 'cmdline')
}

function scanProcess(canaries: Canaries, pid: number): void {
  assert.ok(pid > 1)
  for (const file of ['cmdline', 'environ'] as const) look(canaries, String(pid), file)
}

function look(canaries: Canaries, pid: string, file: 'cmdline' | 'environ'): void {
  try {
    canaries.look(`${file} of a process`, readFileSync(`/proc/${pid}/${file}`))
  } catch {
    // It has ended meanwhile.
  }
}

/** Asks an operation in bytes of any kind, and looks at what comes back. */
function post(canaries: Canaries, socketPath: string, operation: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: `/v1/credential.${operation}`, method: 'POST' }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        canaries.look(`answer of ${operation}`, text)
        resolve()
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

async function damage(home: string, key: string): Promise<void> {
  const store = await openLevelStore({ path: join(home, 'store'), clock: createSystemClock() })
  const entry = await store.directory.get(key)
  assert.ok(entry !== null)
  const value = entry.value as { readonly box: Uint8Array }
  const box = Uint8Array.from(value.box)
  box[0]! ^= 1
  await store.directory.update(key, { ...value, box }, entry.revision)
  await store.close()
}
