import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MetricsReading } from '../../src/daemon/control/metrics-schemas.js'
import { formatMetrics, METRICS } from '../../src/daemon/control/metrics-text.js'
import { readText } from '../helpers/project.js'
import { READY_SEARCH } from '../helpers/search-thread.js'

const outbox = { due: 1, retrying: 2, sending: 3, parked: 4, unknown: 5, dead: 6 }
const counts = {
  ...{ received: 1, duplicates: 2, refused: 3, deferred: 4, sent: 5, retried: 6, failed: 7, unknown: 8 },
  ...{ filesFetched: 9, filesLost: 10 },
}

const reading: MetricsReading = {
  ...{ instance: 'a', pid: 1, version: '0.1.0', home: '/srv/kefu', state: 'running', uptimeMs: 1_500 },
  accepted: { contacts: 1, agents: 2, apps: 3 },
  delivered: { live: 4, caughtUp: 5 },
  ...{ refused: 6, errors: 7, append: [], deliver: [], eventLoop: [], cpuUs: 2_500_000, rssBytes: 8 },
  sockets: { open: 10, visitors: 4, agents: 3, apps: 2, limit: 100 },
  slow: { count: 1, worst: [] },
  queue: { waiting: 1, bot: 2, active: 3, snoozed: 4, agentsOnline: 5 },
  outbox: [{ channel: '17', totals: outbox }],
  channels: [
    {
      ...{ channel: '店铺 "\\1\n', counts, inFlight: 11, sending: 12, outbox },
      ...{ isInPaused: false, isOutPaused: true, restingSince: 1_767_600_000_500 },
    },
    { channel: 'idle', counts, inFlight: 0, sending: 0, outbox, isInPaused: false, isOutPaused: false },
  ],
  hooks: [{ hook: 'crm', state: 'down', delivered: 1, failed: 2, dead: 3, lag: 4 }],
  search: READY_SEARCH,
  bots: [{ bot: 'helper', isUp: true, answered: 1, silent: 2, failed: 3 }],
  store: { state: 'full', records: 1, sizeBytes: 2, commits: 3, committedRecords: 4 },
}

const LABELS = new Set(['writer', 'way', 'role', 'state', 'channel', 'hook', 'bot', 'result'])

describe('metrics for Prometheus', () => {
  test('are named as its conventions say, each once', () => {
    assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length)
    for (const { name, kind, help, samples } of METRICS) {
      assert.match(name, /^kefu(_[a-z]+)+$/)
      assert.equal(name.endsWith('_total'), kind === 'counter', name)
      assert.doesNotMatch(name, /_(ms|us|minutes|kb|mb)(_|$)/)
      assert.match(help, /^[A-Z][^\n\\]*\.$/)
      const found = samples(reading)
      assert.ok(found.length > 0, name)
      for (const [labels, value] of found) {
        assert.ok(Number.isFinite(value) && value >= 0, name)
        for (const label of Object.keys(labels)) assert.ok(LABELS.has(label), `${name}: ${label}`)
      }
      assert.equal(new Set(found.map(([labels]) => JSON.stringify(labels))).size, found.length, name)
    }
  })

  test('are the ones of docs/operations.md', () => {
    const section = readText('docs/operations.md').split('### Numbers for Prometheus')[1]!.split('\n## ')[0]!
    const documented = [...section.matchAll(/^\| `(kefu_\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(
      ([, name, kind, labels]) => [name, kind, ...(labels!.match(/\w+/g) ?? []).toSorted()],
    )
    const real = METRICS.map(({ name, kind, samples }) => [
      name,
      kind,
      ...Object.keys(samples(reading)[0]![0]).toSorted(),
    ])
    assert.deepEqual(documented, real)
  })

  test('are written in its text format', () => {
    const lines = formatMetrics(reading).split('\n')
    assert.equal(lines.pop(), '')
    const sample =
      /^kefu_\w+(\{\w+="(?:[^"\\\n]|\\[\\"n])*"(,\w+="(?:[^"\\\n]|\\[\\"n])*")*\})? \d+(\.\d+)?(e[+-]\d+)?$/
    for (const line of lines) assert.match(line, /^# (HELP|TYPE) kefu_/.test(line) ? /./ : sample)
    for (const line of [
      '# TYPE kefu_channel_messages_sent_total counter',
      String.raw`kefu_channel_messages_sent_total{channel="店铺 \"\\1\n"} 5`,
      'kefu_channel_outbox_messages{channel="idle",state="dead"} 6',
      String.raw`kefu_channel_paused{channel="店铺 \"\\1\n",way="out"} 1`,
      String.raw`kefu_channel_resting_since_timestamp_seconds{channel="店铺 \"\\1\n"} 1767600000.5`,
      'kefu_channel_resting_since_timestamp_seconds{channel="idle"} 0',
      'kefu_hook_state{hook="crm",state="down"} 1',
      'kefu_hook_state{hook="crm",state="running"} 0',
      'kefu_hook_lag_records{hook="crm"} 4',
      'kefu_bot_questions_total{bot="helper",result="silent"} 2',
      'kefu_sockets{role="none"} 1',
      'kefu_store_ready 0',
      'kefu_process_cpu_seconds_total 2.5',
    ])
      assert.ok(lines.includes(line), line)
  })
})
