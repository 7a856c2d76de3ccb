import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createHours } from '../../../src/daemon/core/hours.js'
import { type Holiday, type HoursSpec, WEEK_DAYS, type WeeklySpan } from '../../../src/daemon/core/hours-spec.js'

/** Days around which a zone does something, or nothing. All of them are whole minutes from UTC. */
const PLACES = [
  ['Asia/Shanghai', '2026-10-01'],
  ['Asia/Shanghai', '1991-09-15'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Europe/London', '2026-10-25'],
  ['Asia/Kathmandu', '1986-01-01'],
  ['Pacific/Apia', '2011-12-30'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['America/Sao_Paulo', '2018-11-04'],
  ['America/Sao_Paulo', '2018-02-18'],
  ['America/Havana', '2026-11-01'],
  ['America/St_Johns', '2006-10-29'],
] as const

const MINUTE_MS = 60_000
const DAYS = 6

/** What the wall clock shows in each minute of the days around a date, in minutes of UTC with the same reading. */
type Place = { readonly timeZone: string; readonly startsAt: number; readonly walls: readonly number[] }

function place(timeZone: string, date: string): Place {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
  const startsAt = Date.parse(date) - (DAYS / 2) * 86_400_000
  const walls = Array.from({ length: DAYS * 1440 }, (_, minute) => {
    const shown = format.format(startsAt + minute * MINUTE_MS)
    return Date.parse(`${shown.replace(' ', 'T')}Z`) / MINUTE_MS
  })
  return { timeZone, startsAt, walls }
}

/**
 * Minute by minute, with no search: a span is on when the clock has shown its start or later, and has its end, or a time before it, still to show.
 */
function openMinutes({ walls }: Place, { weekly, holidays }: HoursSpec): boolean[] {
  const minutes = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
  const spansOf = new Map<number, { from: number; to: number }[]>()
  const spansOn = (day: number) => {
    const date = new Date(day * 86_400_000).toISOString().slice(0, 10)
    const weekDay = WEEK_DAYS[(new Date(day * 86_400_000).getUTCDay() + 6) % 7]!
    const holiday = holidays.findLast(({ from, to = from }) => from <= date && date <= to)
    const spans = holiday === undefined ? weekly.filter(({ days }) => days.includes(weekDay)) : (holiday.open ?? [])
    return spans.map(({ from, to }) => ({
      from: day * 1440 + minutes(from),
      to: (to <= from ? day + 1 : day) * 1440 + minutes(to),
    }))
  }
  const laterLeast = new Array<number>(walls.length).fill(Number.POSITIVE_INFINITY)
  for (let i = walls.length - 2; i >= 0; i--) laterLeast[i] = Math.min(laterLeast[i + 1]!, walls[i + 1]!)
  let most = Number.NEGATIVE_INFINITY
  return walls.map((wall, i) => {
    most = Math.max(most, wall)
    const today = Math.floor(wall / 1440)
    return [today - 2, today - 1, today, today + 1].some(day => {
      if (!spansOf.has(day)) spansOf.set(day, spansOn(day))
      return spansOf.get(day)!.some(({ from, to }) => most >= from && (wall < to || laterLeast[i]! <= to))
    })
  })
}

const time = (last: number) =>
  fc
    .oneof(
      fc.integer({ min: 0, max: last }),
      fc.integer({ min: 0, max: 50 }).map(step => step * 5),
      fc.constant(last),
    )
    .map(minute => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`)
const openSpan = fc.record({ from: time(1439), to: time(1440) })
const weeklySpan = fc
  .tuple(openSpan, fc.subarray([...WEEK_DAYS], { minLength: 1 }))
  .map(([span, days]): WeeklySpan => ({ ...span, days }))

/** A holiday of up to three days within the days of the place. */
function holidayAt(startsAt: number) {
  const date = (day: number) => new Date(startsAt + day * 86_400_000).toISOString().slice(0, 10)
  return fc
    .tuple(fc.nat(DAYS - 1), fc.nat(2), fc.array(openSpan, { maxLength: 2 }))
    .map(([first, more, open]): Holiday => ({ from: date(first), to: date(first + more), open }))
}

test('minute by minute as the wall clock says, in any order of asking', () => {
  const places = PLACES.map(([timeZone, date]) => place(timeZone, date))
  const cases = fc.constantFrom(...places).chain(where =>
    fc.record({
      where: fc.constant(where),
      weekly: fc.array(weeklySpan, { maxLength: 5 }),
      holidays: fc.array(holidayAt(where.startsAt), { maxLength: 2 }),
      asked: fc.array(fc.nat(where.walls.length - 2), { minLength: 12, maxLength: 12 }),
    }),
  )
  fc.assert(
    fc.property(cases, ({ where, weekly, holidays, asked }) => {
      const spec = { timeZone: where.timeZone, weekly, holidays }
      const expected = openMinutes(where, spec)
      const inOrder = createHours(spec)
      const found = expected.map((_, minute) => inOrder.isOpen(where.startsAt + minute * MINUTE_MS))
      const different = found.findIndex((open, minute) => open !== expected[minute])
      assert.equal(different, -1, `another at minute ${different}`)

      const anyOrder = createHours(spec)
      for (const minute of asked) {
        const at = where.startsAt + minute * MINUTE_MS
        const flip = expected.findIndex((open, later) => later > minute && open !== expected[minute])
        const next = anyOrder.nextChange(at)
        if (flip < 0) assert.ok(next === undefined || next >= where.startsAt + expected.length * MINUTE_MS)
        else assert.equal(next, where.startsAt + flip * MINUTE_MS)
        assert.equal(anyOrder.isOpen(at), expected[minute])
        if (next !== undefined) assert.equal(anyOrder.isOpen(next - 1), expected[minute])
        if (next !== undefined) assert.equal(anyOrder.isOpen(next), !expected[minute])
      }
    }),
    { numRuns: 300 },
  )
})
