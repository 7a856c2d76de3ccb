/** Wall time of a zone, as the milliseconds that an instant of UTC with the same date and time has. */
export type WallMs = number

/**
 * The wall clock of a time zone. Instants are epoch ms of the years 1900 to 9998. Where the clock is put forward, times of the day are missing; where it is put
 * back, they come twice.
 */
export type LocalTime = {
  /** What the wall clock shows at an instant. */
  wallAt(atMs: number): WallMs
  /** The first instant at which the wall clock shows `wall` or later: the jump, when it jumps over `wall`. Never falls as `wall` grows. */
  first(wall: WallMs): number
  /** The end of the instants at which it shows `wall` or earlier: the last `wall`, or the jump, when it jumps over `wall`. Never falls as `wall` grows. */
  last(wall: WallMs): number
}

/** A day of UTC: one offset before `changeAt` and another from there on; without a change, `changeAt` is the day's end. */
type UtcDay = { readonly before: number; readonly after: number; readonly changeAt: number }

const DAY_MS = 86_400_000

/** Days of UTC that are remembered: more than one search looks at. */
const DAYS_LIMIT = 64

/** The wall clock of a zone that Intl knows; throws RangeError for any other. */
export function createLocalTime(timeZone: string): LocalTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const days = new Map<number, UtcDay>()

  /** `atMs` in whole seconds: Intl shows no smaller ones. */
  function offsetAt(atMs: number): number {
    let [year, month, day, hour, minute, second] = [0, 0, 0, 0, 0, 0]
    for (const { type, value } of format.formatToParts(atMs)) {
      if (type === 'year') year = Number(value)
      else if (type === 'month') month = Number(value)
      else if (type === 'day') day = Number(value)
      else if (type === 'hour') hour = Number(value)
      else if (type === 'minute') minute = Number(value)
      else if (type === 'second') second = Number(value)
    }
    return Date.UTC(year, month - 1, day, hour, minute, second) - atMs
  }

  function utcDay(number: number): UtcDay {
    const known = days.get(number)
    if (known !== undefined) return known
    const before = offsetAt(number * DAY_MS)
    const after = offsetAt((number + 1) * DAY_MS)
    const changeAt = before === after ? (number + 1) * DAY_MS : changeIn(number, before)
    const day = { before, after, changeAt }
    if (days.size >= DAYS_LIMIT) days.clear()
    days.set(number, day)
    return day
  }

  /** Zones change at whole seconds, and none has changed twice within a day. */
  function changeIn(number: number, before: number): number {
    let [low, high] = [0, DAY_MS / 1000]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (offsetAt(number * DAY_MS + middle * 1000) === before) low = middle
      else high = middle
    }
    return number * DAY_MS + high * 1000
  }

  return {
    wallAt(atMs) {
      const { before, after, changeAt } = utcDay(Math.floor(atMs / DAY_MS))
      return atMs + (atMs < changeAt ? before : after)
    },
    // No zone is a whole day away from UTC: a day before `wall` the clock shows less, a day after it more.
    first(wall) {
      for (let number = Math.floor(wall / DAY_MS) - 1; ; number++) {
        const { before, after, changeAt } = utcDay(number)
        if (changeAt + before > wall) return Math.max(number * DAY_MS, wall - before)
        if ((number + 1) * DAY_MS + after > wall) return Math.max(changeAt, wall - after)
      }
    },
    last(wall) {
      for (let number = Math.floor(wall / DAY_MS) + 1; ; number--) {
        const { before, after, changeAt } = utcDay(number)
        const end = (number + 1) * DAY_MS
        if (changeAt < end && changeAt + after <= wall) return Math.min(end, wall - after)
        if (number * DAY_MS + before <= wall) return Math.min(changeAt, wall - before)
      }
    },
  }
}
