import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fold, type Part } from '../../src/commands/_cli/fold.js'
import { displayWidth } from '../../src/commands/_cli/table.js'
import { momentOf } from '../../src/commands/_top/moment.js'
import { renderPanel } from '../../src/commands/_top/panel.js'
import type { MetricsReading } from '../../src/daemon/control/client.js'
import { READY_SEARCH } from '../helpers/search-thread.js'

const reading: MetricsReading = {
  instance: 'a',
  pid: 4_194_304,
  version: '0.1.0',
  home: '/srv/客服/a-long-name-of-a-folder-that-does-not-fit',
  state: 'running',
  search: READY_SEARCH,
  uptimeMs: 100_000,
  accepted: { contacts: 500_000, agents: 1_000, apps: 0 },
  delivered: { live: 900_000, caughtUp: 10 },
  refused: 3,
  errors: 0,
  append: [
    [2_000, 500],
    [90_000, 5],
  ],
  deliver: [],
  eventLoop: [[100, 1]],
  cpuUs: 62_000_000,
  rssBytes: 142 * 2 ** 20,
  sockets: { open: 12_345, visitors: 12_000, agents: 344, apps: 1, limit: 20_000 },
  slow: {
    count: 2,
    worst: [
      { role: 'agent', name: '小王'.repeat(30), forMs: 12_345, bufferedBytes: 262_144 },
      { role: 'app', name: 'evil\u001b[2J\nname', forMs: 900, bufferedBytes: 70_000 },
    ],
  },
  queue: { waiting: 10_000, bot: 1, active: 12, snoozed: 0, agentsOnline: 344, oldestSince: 1_000_000 },
  outbox: [{ channel: '微信客服', totals: { due: 1_234, retrying: 2, sending: 3, parked: 4, unknown: 5, dead: 6 } }],
  channels: [],
  hooks: [],
  bots: [],
  store: { state: 'full', records: 18_402_113, sizeBytes: 3 * 2 ** 30, commits: 8_000, committedRecords: 500_000 },
}

const panel = (width: number, hasColor = false): Promise<string> =>
  renderPanel(momentOf(undefined, reading, 1_222_000), ['q quits'], { isTerminal: true, hasColor, width })

describe('the panel of kefu top', () => {
  test('shows everything, whatever the width is', async () => {
    for (const width of [200, 100, 80, 60]) {
      const text = await panel(width)
      for (const line of text.split('\n')) assert.ok(displayWidth(line) <= width, `${width}: ${line}`)
      const words = text.replace(/\s+/g, ' ')
      for (const fact of [
        'in 5 010/s',
        'contacts 5 000/s',
        'refused 0.03/s',
        'append p50 2.00 p99 2.00 max 90.0 ms',
        'deliver –',
        'cpu 62 % of a core',
        '10 000 waiting, oldest 3m 42s',
        '2 slow consumers',
        'full',
        'q quits',
        'since its start',
        '微信客服 1 234 2 3 4 5 6',
      ])
        assert.ok(words.includes(fact), `${width}: ${fact} in ${words}`)
    }
  })

  test('on a narrow terminal the facts stand below their labels', async () => {
    const text = await panel(38)
    assert.match(text, /\nTRAFFIC\n {2}in /)
  })

  test('colours do not change where lines end', async () => {
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
    for (const width of [120, 80, 45, 30])
      assert.equal((await panel(width, true)).replace(escapes, ''), await panel(width))
  })

  test('names of others cannot steer the terminal', async () => {
    const text = await panel(100)
    assert.ok(!text.includes('\u001b') && text.includes('evil'))
  })
})

test('what is wider than a line is cut, wide characters counted twice', () => {
  const terminal = { isTerminal: true, hasColor: false, width: 7 }
  const parts: Part[] = [['客服客服客服'], ['ab'], ['c']]
  assert.deepEqual(fold(parts, '', terminal), ['客服客…', 'ab · c'])
  assert.deepEqual(fold([], '  ', terminal), ['  '])
})
