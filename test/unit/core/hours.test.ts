import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CHANGE_HORIZON_MS, createHours } from '../../../src/daemon/core/hours.js'
import { type Holiday, type HoursSpec, WEEK_DAYS, type WeeklySpan } from '../../../src/daemon/core/hours-spec.js'
import { isKefuError } from '../../../src/errors.js'

const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri'] as const

function hours(timeZone: string, weekly: readonly WeeklySpan[], holidays: readonly Holiday[] = []) {
  return createHours({ timeZone, weekly, holidays })
}

function daily(from: string, to: string): WeeklySpan {
  return { days: WEEK_DAYS, from, to }
}

/** All changes in a time, as UTC: `+` opens, `-` closes. Asks a new object, and asserts that each is one. */
function changes(spec: HoursSpec, from: string, to: string): string[] {
  const asked = createHours(spec)
  const found: string[] = []
  let at = Date.parse(from) - 1
  for (;;) {
    const next = asked.nextChange(at)
    if (next === undefined || next > Date.parse(to)) return found
    assert.ok(next > at)
    assert.equal(createHours(spec).isOpen(next - 1), !createHours(spec).isOpen(next))
    found.push(`${asked.isOpen(next) ? '+' : '-'}${new Date(next).toISOString().replace(/(:00)?\.000Z$/, '')}`)
    at = next
  }
}

function changesOf(
  timeZone: string,
  weekly: readonly WeeklySpan[],
  from: string,
  to: string,
  holidays: Holiday[] = [],
) {
  return changes({ timeZone, weekly, holidays }, from, to)
}

describe('weekly hours', () => {
  test('open from the first instant of a span to before its last', () => {
    const shop = hours('Asia/Shanghai', [{ days: WEEK, from: '09:00', to: '18:00' }])
    const [opens, closes] = [Date.parse('2026-11-23T01:00Z'), Date.parse('2026-11-23T10:00Z')]
    assert.deepEqual(
      [opens - 1, opens, closes - 1, closes].map(at => shop.isOpen(at)),
      [false, true, true, false],
    )
    assert.deepEqual(
      [opens - 1, opens, closes - 1, closes].map(at => shop.nextChange(at)),
      [opens, closes, closes, Date.parse('2026-11-24T01:00Z')],
    )
  })

  test('a weekend is closed, and asking backwards gives the same', () => {
    const shop = hours('Asia/Shanghai', [{ days: WEEK, from: '09:00', to: '18:00' }])
    const friday = Date.parse('2026-11-27T12:00Z')
    assert.equal(shop.nextChange(friday), Date.parse('2026-11-30T01:00Z'))
    assert.equal(shop.isOpen(Date.parse('2026-11-29T02:00Z')), false)
    assert.equal(shop.isOpen(Date.parse('2026-11-27T02:00Z')), true)
    assert.equal(shop.isOpen(Date.parse('2026-11-26T12:00Z')), false)
    assert.equal(shop.nextChange(Date.parse('2026-11-26T12:00Z')), Date.parse('2026-11-27T01:00Z'))
  })

  test('spans that overlap or touch are one', () => {
    const weekly = [daily('13:00', '18:00'), daily('09:00', '12:00'), daily('12:00', '13:00'), daily('10:00', '11:00')]
    assert.deepEqual(changesOf('UTC', weekly, '2026-01-05', '2026-01-06'), ['+2026-01-05T09:00', '-2026-01-05T18:00'])
  })

  test('24:00 is the end of the day, and joins with the day after', () => {
    const weekly: WeeklySpan[] = [
      { days: ['mon'], from: '22:00', to: '24:00' },
      { days: ['tue'], from: '00:00', to: '02:00' },
      { days: ['thu'], from: '22:00', to: '24:00' },
    ]
    assert.deepEqual(changesOf('UTC', weekly, '2026-01-05', '2026-01-11'), [
      '+2026-01-05T22:00',
      '-2026-01-06T02:00',
      '+2026-01-08T22:00',
      '-2026-01-09T00:00',
    ])
  })

  test('a span over midnight is of the day on which it starts', () => {
    const weekly: WeeklySpan[] = [{ days: ['sat', 'sun'], from: '22:00', to: '06:00' }]
    assert.deepEqual(changesOf('UTC', weekly, '2026-01-09', '2026-01-15'), [
      '+2026-01-10T22:00',
      '-2026-01-11T06:00',
      '+2026-01-11T22:00',
      '-2026-01-12T06:00',
    ])
  })

  test('a span that ends as it starts is a whole day', () => {
    const weekly: WeeklySpan[] = [{ days: ['sat'], from: '09:00', to: '09:00' }]
    assert.deepEqual(changesOf('UTC', weekly, '2026-01-09', '2026-01-15'), ['+2026-01-10T09:00', '-2026-01-11T09:00'])
  })

  test('what never changes has no next change', () => {
    const at = Date.parse('2026-11-23T00:00Z')
    for (const later of [0, 86_400_000, 3 * CHANGE_HORIZON_MS]) {
      assert.equal(hours('Asia/Shanghai', []).nextChange(at + later), undefined)
      assert.equal(hours('America/New_York', [daily('00:00', '24:00')]).nextChange(at + later), undefined)
    }
    const always = hours('America/New_York', [daily('12:00', '12:00')])
    for (let day = 0; day < 1500; day++) {
      assert.equal(always.isOpen(at + day * 86_400_000), true)
      assert.equal(always.nextChange(at + day * 86_400_000), undefined)
    }
  })

  test('a change is told from 400 days before it on', () => {
    const opensAt = Date.parse('2030-06-01T08:00Z')
    const once = hours('UTC', [], [{ from: '2030-06-01', open: [{ from: '08:00', to: '09:00' }] }])
    for (const days of [900, 460, 440, 431]) assert.equal(once.nextChange(opensAt - days * 86_400_000), undefined)
    assert.equal(once.nextChange(opensAt - CHANGE_HORIZON_MS), opensAt)
    assert.equal(once.nextChange(opensAt - CHANGE_HORIZON_MS - 1), undefined)
    assert.equal(once.nextChange(opensAt - CHANGE_HORIZON_MS), opensAt)
    assert.equal(once.nextChange(opensAt - CHANGE_HORIZON_MS - 86_400_000), undefined)
    assert.equal(once.nextChange(opensAt - 1), opensAt)
    assert.equal(once.nextChange(opensAt), opensAt + 3_600_000)
    assert.equal(once.nextChange(opensAt + 3_600_000), undefined)
  })

  test('what is no instant is refused', () => {
    const shop = hours('UTC', [daily('09:00', '18:00')])
    for (const at of [Number.NaN, Number.POSITIVE_INFINITY, -8e15, 8e15]) {
      assert.throws(() => shop.isOpen(at), RangeError)
      assert.throws(() => shop.nextChange(at), RangeError)
    }
  })
})

describe('holidays', () => {
  const weekly: WeeklySpan[] = [{ days: WEEK, from: '09:00', to: '18:00' }]

  test('National Day with make-up days on the weekends around it', () => {
    const open = [{ from: '09:00', to: '18:00' }]
    const holidays: Holiday[] = [
      { from: '2026-10-01', to: '2026-10-07', name: 'National Day' },
      { from: '2026-09-27', open, name: 'make-up day' },
      { from: '2026-10-10', open: [{ from: '10:00', to: '16:00' }] },
    ]
    assert.deepEqual(changesOf('Asia/Shanghai', weekly, '2026-09-26', '2026-10-11', holidays), [
      ...['27', '28', '29', '30'].flatMap(day => [`+2026-09-${day}T01:00`, `-2026-09-${day}T10:00`]),
      ...['08', '09'].flatMap(day => [`+2026-10-${day}T01:00`, `-2026-10-${day}T10:00`]),
      '+2026-10-10T02:00',
      '-2026-10-10T08:00',
    ])
  })

  test('of several that cover a day the last decides, and no spans is closed', () => {
    const holidays: Holiday[] = [
      { from: '2026-01-05', to: '2026-01-09' },
      { from: '2026-01-06', open: [{ from: '10:00', to: '12:00' }] },
      { from: '2026-01-08', open: [{ from: '10:00', to: '12:00' }] },
      { from: '2026-01-08', open: [] },
    ]
    assert.deepEqual(changesOf('UTC', weekly, '2026-01-05', '2026-01-10', holidays), [
      '+2026-01-06T10:00',
      '-2026-01-06T12:00',
    ])
  })

  test('a holiday takes the night that starts on it, and not the end of the night before', () => {
    const night = [daily('22:00', '06:00')]
    assert.deepEqual(changesOf('UTC', night, '2026-01-06T12:00', '2026-01-09', [{ from: '2026-01-07' }]), [
      '+2026-01-06T22:00',
      '-2026-01-07T06:00',
      '+2026-01-08T22:00',
    ])
  })

  test('a holiday longer than the horizon hides what comes after it', () => {
    const long = hours('UTC', weekly, [{ from: '2026-01-06', to: '2028-01-06' }])
    assert.equal(long.nextChange(Date.parse('2026-01-05T12:00Z')), Date.parse('2026-01-05T18:00Z'))
    assert.equal(long.nextChange(Date.parse('2026-01-05T18:00Z')), undefined)
    assert.equal(long.nextChange(Date.parse('2028-01-01T18:00Z')), Date.parse('2028-01-07T09:00Z'))
  })
})

describe('zones', () => {
  test('New York in spring: what the clock jumps over takes effect at the jump', () => {
    const spring = ['2026-03-08', '2026-03-08T12:00'] as const
    const zone = 'America/New_York'
    assert.deepEqual(changesOf(zone, [daily('01:00', '04:00')], ...spring), ['+2026-03-08T06:00', '-2026-03-08T08:00'])
    assert.deepEqual(changesOf(zone, [daily('02:30', '04:00')], ...spring), ['+2026-03-08T07:00', '-2026-03-08T08:00'])
    assert.deepEqual(changesOf(zone, [daily('01:00', '02:30')], ...spring), ['+2026-03-08T06:00', '-2026-03-08T07:00'])
    assert.deepEqual(changesOf(zone, [daily('02:10', '02:50')], ...spring), [])
    const around = [daily('01:00', '02:10'), daily('02:50', '04:00')]
    assert.deepEqual(changesOf(zone, around, ...spring), ['+2026-03-08T06:00', '-2026-03-08T08:00'])
  })

  test('New York in autumn: of a time that comes twice the first opens and the last closes', () => {
    const autumn = ['2026-11-01', '2026-11-01T12:00'] as const
    const zone = 'America/New_York'
    assert.deepEqual(changesOf(zone, [daily('01:30', '03:00')], ...autumn), ['+2026-11-01T05:30', '-2026-11-01T08:00'])
    assert.deepEqual(changesOf(zone, [daily('00:30', '01:30')], ...autumn), ['+2026-11-01T04:30', '-2026-11-01T06:30'])
    assert.deepEqual(changesOf(zone, [daily('00:30', '02:00')], ...autumn), ['+2026-11-01T04:30', '-2026-11-01T07:00'])
    assert.deepEqual(changesOf(zone, [daily('00:30', '01:00')], ...autumn), ['+2026-11-01T04:30', '-2026-11-01T06:00'])
    assert.deepEqual(changesOf(zone, [daily('02:00', '03:00')], ...autumn), ['+2026-11-01T07:00', '-2026-11-01T08:00'])
    const around = [daily('00:30', '01:10'), daily('01:50', '02:30')]
    assert.deepEqual(changesOf(zone, around, ...autumn), ['+2026-11-01T04:30', '-2026-11-01T07:30'])
  })

  test('London opens at another time of UTC from the last Sunday of March on', () => {
    assert.deepEqual(changesOf('Europe/London', [daily('09:00', '17:30')], '2026-03-28', '2026-03-30'), [
      '+2026-03-28T09:00',
      '-2026-03-28T17:30',
      '+2026-03-29T08:00',
      '-2026-03-29T16:30',
    ])
  })

  test('Kathmandu is 5 hours 45 minutes ahead, and was 5 hours 30 until 1986', () => {
    assert.deepEqual(changesOf('Asia/Kathmandu', [daily('10:00', '17:00')], '2026-01-05', '2026-01-06'), [
      '+2026-01-05T04:15',
      '-2026-01-05T11:15',
    ])
    assert.deepEqual(changesOf('Asia/Kathmandu', [daily('10:00', '17:00')], '1985-12-31', '1986-01-02'), [
      '+1985-12-31T04:30',
      '-1985-12-31T11:30',
      '+1986-01-01T04:15',
      '-1986-01-01T11:15',
    ])
  })

  test('Apia had no 30 December 2011', () => {
    assert.deepEqual(changesOf('Pacific/Apia', [daily('09:00', '18:00')], '2011-12-29T12:00', '2011-12-31'), [
      '+2011-12-29T19:00',
      '-2011-12-30T04:00',
      '+2011-12-30T19:00',
    ])
    const night: WeeklySpan[] = [{ days: ['thu'], from: '22:00', to: '06:00' }]
    const missing: WeeklySpan[] = [{ days: ['fri'], from: '06:00', to: '20:00' }]
    const around = ['2011-12-29T12:00', '2012-01-01'] as const
    // The night ends at the jump: the clock goes from the end of Thursday to Saturday.
    assert.deepEqual(changesOf('Pacific/Apia', night, ...around), ['+2011-12-30T08:00', '-2011-12-30T10:00'])
    assert.deepEqual(changesOf('Pacific/Apia', missing, ...around), [])
  })

  test('Monrovia was 44 minutes and 30 seconds behind', () => {
    const weekly = [daily('09:00', '10:00')]
    const found = changesOf('Africa/Monrovia', weekly, '1971-06-01', '1971-06-02')
    assert.deepEqual(found, ['+1971-06-01T09:44:30', '-1971-06-01T10:44:30'])
  })
})

describe('specs with a fault', () => {
  const good = { days: ['mon'], from: '09:00', to: '18:00' } as const satisfies WeeklySpan
  const wrong: [string, Partial<HoursSpec>, RegExp][] = [
    ['unknown zone', { timeZone: 'Asia/Peking2' }, /^timeZone: "Asia\/Peking2" is not a time zone/],
    ['abbreviated zone', { timeZone: 'CST' }, /^timeZone: "CST"/],
    ['offset', { timeZone: '+08:00' }, /^timeZone: "\+08:00"/],
    ['hidden characters', { timeZone: 'Asia/\u202eX' }, /^timeZone: "Asia\/\ufffdX"/],
    ['time', { weekly: [good, { ...good, to: '25:00' }] }, /^weekly\.1\.to: "25:00" is not a time/],
    ['short time', { weekly: [{ ...good, from: '9:00' }] }, /^weekly\.0\.from: "9:00"/],
    ['start at 24:00', { weekly: [{ ...good, from: '24:00' }] }, /^weekly\.0\.from: "24:00"/],
    ['minute', { weekly: [{ ...good, from: '09:60' }] }, /^weekly\.0\.from: "09:60"/],
    ['no days', { weekly: [{ ...good, days: [] }] }, /^weekly\.0\.days: is empty/],
    ['a day twice', { weekly: [{ ...good, days: ['mon', 'mon'] }] }, /^weekly\.0\.days: names a day twice/],
    ['date', { holidays: [{ from: '2026-02-30' }] }, /^holidays\.0\.from: "2026-02-30" is not a date/],
    ['last date', { holidays: [{ from: '2026-02-03', to: 'soon' }] }, /^holidays\.0\.to: "soon"/],
    [
      'end before start',
      { holidays: [{ from: '2026-10-07', to: '2026-10-01' }] },
      /^holidays\.0\.to: 2026-10-01 is before/,
    ],
    [
      'time of a holiday',
      { holidays: [{ from: '2026-10-07', open: [{ from: '', to: '18:00' }] }] },
      /^holidays\.0\.open\.0\.from: "" is not/,
    ],
    ['long name', { holidays: [{ from: '2026-10-07', name: 'x'.repeat(101) }] }, /^holidays\.0\.name: is longer/],
    ['many spans', { weekly: Array.from({ length: 65 }, () => good) }, /^weekly: has 65 spans, at most 64/],
    ['many holidays', { holidays: Array.from({ length: 401 }, () => ({ from: '2026-01-01' })) }, /^holidays: has 401/],
    [
      'many spans of a holiday',
      { holidays: [{ from: '2026-01-01', open: Array.from({ length: 17 }, () => good) }] },
      /^holidays\.0\.open: has 17/,
    ],
  ]
  for (const [name, part, message] of wrong)
    test(name, () => {
      assert.throws(
        () => createHours({ timeZone: 'UTC', weekly: [], holidays: [], ...part }),
        error => isKefuError(error, 'KEFU_USAGE') && message.test(error.message),
      )
    })
})
