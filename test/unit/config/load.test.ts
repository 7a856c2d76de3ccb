import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ConfigReading, loadConfig, readConfig } from '../../../src/daemon/config/load.js'
import { isKefuError } from '../../../src/errors.js'
import { tmpDir } from '../../helpers/tmp-dir.js'

type Given = {
  readonly flags?: Record<string, string>
  readonly environment?: Record<string, string>
  readonly file?: string
}

function sources(t: TestContext, { flags = {}, environment = {}, file }: Given) {
  const path = join(tmpDir(t), 'kefu.yaml')
  if (file !== undefined) writeFileSync(path, file)
  return { flags: new Map(Object.entries(flags)), environment, file: path }
}

function origin(reading: ConfigReading, key: string) {
  return reading.settings.find(setting => setting.key === key)?.origin
}

test('without any source every key has its default, durations in ms and sizes in bytes', async t => {
  const { config, problems } = await loadConfig(sources(t, {}))
  assert.deepEqual(problems, [])
  assert.equal(config.http.port, 8787)
  assert.equal(config.transport, 'auto')
  assert.equal(config.limits.helloTimeoutMs, 10_000)
  assert.equal(config.limits.uploadBytes, 20 * 1024 * 1024)
  assert.equal(config.presence.requeueAfterMs, 30_000)
  assert.equal(config.store.cacheConversations, 50_000)
})

test('a flag beats the environment, that beats the file, that beats the default', async t => {
  const reading = await loadConfig(
    sources(t, {
      flags: { 'http.port': '1' },
      environment: { KEFU_HTTP_PORT: '2', KEFU_LOG_LEVEL: 'debug' },
      file: 'http:\n  port: 3\n  host: 0.0.0.0\nlog:\n  level: error\n',
    }),
  )
  assert.equal(reading.config.http.port, 1)
  assert.equal(reading.config.log.level, 'debug')
  assert.equal(reading.config.http.host, '0.0.0.0')
  assert.deepEqual(origin(reading, 'http.port'), { kind: 'flag', where: 'flag' })
  assert.deepEqual(origin(reading, 'log.level'), { kind: 'environment', where: 'KEFU_LOG_LEVEL' })
  assert.match(origin(reading, 'http.host')?.where ?? '', /kefu\.yaml:3$/)
  assert.equal(origin(reading, 'transport')?.kind, 'default')
})

test('an unknown key in the file is a warning that names the nearest key and the line', async t => {
  const { config, problems } = await loadConfig(sources(t, { file: '# ports\nhttp:\n  prot: 1\n  port: 2\n' }))
  assert.equal(config.http.port, 2)
  assert.equal(problems.length, 1)
  assert.equal(problems[0]?.severity, 'warning')
  assert.match(problems[0]?.message ?? '', /"http\.prot", did you mean "http\.port"\? \(.+kefu\.yaml:3\)/)
})

test('an unknown variable of ours is a warning; those of others and reserved ones are not', async t => {
  const environment = { KEFU_HTP_PORT: '1', KEFU_HOME: '/x', KEFU_BINPATH: '/x', KEFUX: '1', HTTP_PORT: '1' }
  const { problems } = await readConfig(sources(t, { environment }))
  assert.equal(problems.length, 1)
  assert.match(problems[0]?.message ?? '', /KEFU_HTP_PORT .+ did you mean "KEFU_HTTP_PORT"\?/)
})

test('a key given as a flag must exist', async t => {
  await assert.rejects(loadConfig(sources(t, { flags: { 'http.prt': '1' } })), error =>
    isKefuError(error, 'KEFU_CONFIG_UNKNOWN_KEY'),
  )
})

const WRONG: readonly (readonly [yaml: string, expected: RegExp])[] = [
  ['http:\n  port: 70000\n', /http\.port is 70000 .+ a port from 0 to 65535/],
  ['http:\n  port: "80 80"\n', /http\.port is "80 80"/],
  ['http:\n  port: 1.5\n', /http\.port is 1\.5/],
  ['http:\n  port:\n', /http\.port has no value/],
  ['http:\n  port: [1]\n', /http\.port is a list \(1\) .+ a port from 0 to 65535/],
  ['http:\n  port: [[1]]\n', /http\.port is neither a value nor a section/],
  ...[
    '10.0.0.0/33',
    '10.0.0.0/0',
    '10.0.0.0/8/8',
    '10.0.0',
    'fe80::1%eth0',
    '"::/129"',
    'proxy.example',
    '"10.0.0.1,"',
    '""',
    '7',
  ].map(
    text =>
      [
        `http:\n  trustedProxies: ${text}\n`,
        /http\.trustedProxies .+ none, or at most 256 IP addresses and networks/,
      ] as const,
  ),
  ['http:\n  host: "300.1.2.3"\n', /http\.host is "300\.1\.2\.3" .+ an IP address or a host name/],
  ['http:\n  host: "a b"\n', /http\.host/],
  ['transport: raw\n', /transport is "raw" .+ one of auto, uWebSockets\.js, ws/],
  [
    'limits:\n  helloTimeout: 10\n',
    /limits\.helloTimeout is 10 .+ a duration with a unit from 1s to 1m, such as "10s"/,
  ],
  ['limits:\n  helloTimeout: 2h\n', /limits\.helloTimeout is "2h"/],
  ['limits:\n  uploadBytes: 10TiB\n', /limits\.uploadBytes is "10TiB" .+ a size from 1KiB to 1GiB/],
  ['limits:\n  connections: 0\n', /limits\.connections is 0/],
  ['presence:\n  awayAfter: 60s\n', /presence\.requeueAfter is 30s .+ must not be shorter than presence\.awayAfter/],
  [
    'limits:\n  uploadBytesPerHourPerAddress: 10MiB\n',
    /uploadBytesPerHourPerAddress is 10MiB .+ must not be smaller than limits\.uploadBytes, which is 20MiB/,
  ],
  ['http.port: 1\n', /kefu\.yaml:1: write dotted keys as sections/],
  ['http: {port: 1, port: 2}\n', /kefu\.yaml:1: .*unique/i],
  ['http:\n\tport: 1\n', /kefu\.yaml:2: /],
  ['- a\n- b\n', /not made of sections and values/],
  ['just text', /not made of sections and values/],
  ['a: &a [x, *a]\n', /neither a value nor a section/],
]

for (const [yaml, expected] of WRONG) {
  test(`refused: ${JSON.stringify(yaml)}`, async t => {
    await assert.rejects(loadConfig(sources(t, { file: yaml })), error => {
      assert.ok(isKefuError(error, 'KEFU_CONFIG_INVALID'), String(error))
      assert.match(error.message, expected)
      return true
    })
  })
}

test('a list may be written as one or on one line, in the file and in the environment', async t => {
  const expected = ['10.0.0.0/8', '::1', '192.0.2.7']
  const variable = { KEFU_HTTP_TRUSTED_PROXIES: '10.0.0.0/8,::1 , 192.0.2.7' }
  for (const given of [
    { file: 'http:\n  trustedProxies:\n    - 10.0.0.0/8\n    - "::1"\n    - 192.0.2.7\n' },
    { file: 'http:\n  trustedProxies: [10.0.0.0/8, "::1", 192.0.2.7]\n' },
    { file: 'http:\n  trustedProxies: 10.0.0.0/8, ::1, 192.0.2.7\n' },
    { environment: variable },
    { file: 'http:\n  trustedProxies: none\n', environment: variable },
  ]) {
    const { config, settings, problems } = await loadConfig(sources(t, given))
    assert.deepEqual([config.http.trustedProxies, problems], [expected, []])
    const setting = settings.find(({ key }) => key === 'http.trustedProxies')
    assert.equal(setting?.text, '10.0.0.0/8, ::1, 192.0.2.7')
  }
  for (const file of ['http:\n  trustedProxies: []\n', 'http:\n  trustedProxies: none\n', ''])
    assert.deepEqual((await loadConfig(sources(t, { file }))).config.http.trustedProxies, [])
})

test('every error is named at once', async t => {
  const given = sources(t, { file: 'http:\n  port: x\n', environment: { KEFU_LOG_LEVEL: 'loud' } })
  await assert.rejects(loadConfig(given), /http\.port is "x".+; log\.level is "loud" \(KEFU_LOG_LEVEL\)/)
  const { config, problems } = await readConfig(given)
  assert.equal(problems.length, 2)
  assert.equal(config.http.port, 8787)
})

test('empty files, comments and empty sections are no error', async t => {
  for (const file of ['', '# nothing\n', '---\n', 'http:\n', '{}\n'])
    assert.deepEqual((await loadConfig(sources(t, { file }))).problems, [], JSON.stringify(file))
})

test('a file over 1 MiB and a folder in its place are refused', async t => {
  await assert.rejects(loadConfig(sources(t, { file: '#'.repeat(1024 * 1024 + 1) })), /larger than/)
  const folder = { flags: new Map<string, string>(), environment: {}, file: tmpDir(t) }
  await assert.rejects(loadConfig(folder), error => isKefuError(error, 'KEFU_CONFIG_INVALID'))
})

test('names from the file reach no prototype', async t => {
  const { problems } = await readConfig(sources(t, { file: '__proto__:\n  polluted: 1\nconstructor:\n  name: x\n' }))
  assert.equal(problems.length, 2)
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
})
