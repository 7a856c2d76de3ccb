import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readConfig } from '../../../src/daemon/config/load.js'
import { CONFIG_KEYS, type Config, type ConfigKey, configRow } from '../../../src/daemon/config/schema.js'
import { createLiveSettings, type LiveSettings } from '../../../src/daemon/live-settings.js'
import type { LogLevel } from '../../../src/daemon/observe/log.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { none } from '../../helpers/project.js'

/** For every key a value that is not its default, and goes with the defaults of the others. */
const OTHER: Readonly<Record<ConfigKey, string>> = {
  'http.host': '::1',
  'http.port': '1234',
  'http.trustedProxies': '10.0.0.0/8',
  transport: 'ws',
  'log.level': 'debug',
  'limits.connections': '77',
  'limits.connectionsPerAddress': '7',
  'limits.socketsPerAddress': '70',
  'limits.helloTimeout': '5s',
  'limits.messagesPer10s': '7',
  'limits.authFailuresPerMinute': '7',
  'limits.newConversationsPerHour': '7',
  'limits.uploadBytes': '7MiB',
  'limits.uploadsPerMinute': '7',
  'limits.uploadsPerMinutePerAddress': '7',
  'limits.uploadBytesPerHourPerAddress': '700MiB',
  'limits.uploadsAtOncePerAddress': '7',
  'limits.uploadsAtOnce': '7',
  'limits.backpressureBytes': '70KiB',
  'limits.idleTimeout': '70s',
  'presence.awayAfter': '7s',
  'presence.requeueAfter': '70s',
  'routing.strategy': 'manual',
  'routing.stickyWindow': '7h',
  'routing.capacity': '7',
  'store.cacheConversations': '700',
  'vault.key': 'systemd',
  'vault.passphraseFile': 'passphrase',
  'drain.deadline': '7s',
}

async function configWith(flags: readonly (readonly [ConfigKey, string])[] = []): Promise<Config> {
  const reading = await readConfig({ flags: new Map(flags), environment: {}, file: '/does/not/exist.yaml' })
  assert.deepEqual(reading.problems, [])
  return reading.config
}

async function open() {
  const levels: LogLevel[] = []
  const live = createLiveSettings(await configWith(), createManualClock(), {
    setLevel: level => void levels.push(level),
  })
  return { live, levels }
}

/** Everything of the settings that parts of a daemon read while it runs. */
function inUse({ config, engine, uploads, downloads, limits }: LiveSettings, levels: readonly LogLevel[]): unknown {
  return {
    level: levels.at(-1) ?? 'info',
    engine: { ...engine, routing: { ...engine.routing } },
    uploads: { ...uploads },
    downloads: { ...downloads },
    rates: Object.entries(limits).map(([name, limiter]) => [name, limiter.rate]),
    socketsPerAddress: config.limits.socketsPerAddress,
    drainDeadlineMs: config.drain.deadlineMs,
  }
}

describe('settings of a running daemon', () => {
  test('a key that the table marks live changes what is in use, any other changes nothing', async () => {
    const wrong: string[] = []
    for (const key of CONFIG_KEYS) {
      const { live, levels } = await open()
      const before = inUse(live, levels)
      const { applied, needsRestart } = live.take(await configWith([[key, OTHER[key]]]))
      const isLive = configRow(key).reload === 'live'
      assert.deepEqual(
        [applied.map(change => change.key), needsRestart.map(change => change.key)],
        isLive ? [[key], []] : [[], [key]],
      )
      if (isLive === isSame(before, inUse(live, levels))) wrong.push(key)
    }
    none(wrong)
  })

  test('changes are told as they would be written, in the order of the table', async () => {
    const { live } = await open()
    const { applied, needsRestart } = live.take(
      await configWith([
        ['drain.deadline', '90s'],
        ['http.trustedProxies', '10.0.0.0/8,::1'],
        ['limits.helloTimeout', '5s'],
      ]),
    )
    assert.deepEqual(applied, [
      { key: 'limits.helloTimeout', from: '10s', to: '5s' },
      { key: 'drain.deadline', from: '10s', to: '1m30s' },
    ])
    assert.deepEqual(needsRestart, [{ key: 'http.trustedProxies', from: 'none', to: '10.0.0.0/8, ::1' }])
  })

  test('what needs a restart is told each time, until the setting is what is in use', async () => {
    const { live } = await open()
    const changed = await configWith([
      ['http.port', '1'],
      ['log.level', 'warn'],
    ])
    assert.deepEqual([live.take(changed).applied.length, live.take(changed).applied.length], [1, 0])
    assert.equal(live.take(changed).needsRestart.length, 1)
    assert.equal(live.config.http.port, 8787)
    assert.deepEqual(live.take(await configWith([['log.level', 'warn']])).needsRestart, [])
  })

  test('what limiters have counted stays counted', async () => {
    const { live } = await open()
    const { messages } = live.limits
    for (let i = 0; i < 20; i++) assert.equal(messages.take('a'), 0)
    live.take(await configWith([['limits.messagesPer10s', '40']]))
    assert.equal(messages.take('a'), 250)
    live.take(await configWith([['limits.messagesPer10s', '10']]))
    for (let i = 0; i < 10; i++) assert.equal(messages.take('b'), 0)
    assert.equal(messages.take('b'), 1000)
  })
})

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
