/** The days of a week, Monday first. */
export const WEEK_DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** A day of the week. */
export type WeekDay = (typeof WEEK_DAYS)[number]

/**
 * A time of opening, in local wall time. `from` is `HH:MM` from 00:00 to 23:59, `to` also 24:00 and exclusive. A span whose `to` is not after its `from` goes
 * over midnight, at most 24 hours: it is of the day on which it starts, whatever the day after is.
 */
export type OpenSpan = { readonly from: string; readonly to: string }

/** A span of every week, on each of its days. */
export type WeeklySpan = OpenSpan & { readonly days: readonly WeekDay[] }

/** Days that are not as their weekday: closed, or open at other times. */
export type Holiday = {
  /** `YYYY-MM-DD`, the first day. */
  readonly from: string
  /** The last day, inclusive; absent for one day. */
  readonly to?: string
  /** The spans that start on each of these days, in place of the weekly ones: a make-up working day, a short day. Absent or empty: none. */
  readonly open?: readonly OpenSpan[]
  readonly name?: string
}

/**
 * The business hours of a team, as operators write them. Spans may overlap and touch: their union counts. Of several holidays that cover a day the last of the
 * list decides. A holiday takes away the spans which start on its days, and never the end of one that started on the evening before.
 */
export type HoursSpec = {
  /** A name of the IANA database with a slash (`Asia/Shanghai`), or `UTC`. */
  readonly timeZone: string
  readonly weekly: readonly WeeklySpan[]
  readonly holidays: readonly Holiday[]
}

/** How much a `HoursSpec` may hold. */
export const HOURS_LIMITS = { weekly: 64, holidays: 400, open: 16, nameCharacters: 100 } as const

/** What is wrong with a `HoursSpec`: where, as keys and indexes from the top, and why, in words that follow the path. */
export type HoursFault = { readonly path: readonly (string | number)[]; readonly reason: string }

/** Minutes in a day. */
export const DAY_MINUTES = 1440

const DAY_MS = 86_400_000

/** The first fault of a spec of the right shape, in the order of its fields; `undefined` when `createHours` takes it. */
export function hoursFault({ timeZone, weekly, holidays }: HoursSpec): HoursFault | undefined {
  if (!isTimeZone(timeZone))
    return { path: ['timeZone'], reason: `${quoted(timeZone)} is not a time zone such as Asia/Shanghai or UTC` }
  if (weekly.length > HOURS_LIMITS.weekly)
    return { path: ['weekly'], reason: `has ${weekly.length} spans, at most ${HOURS_LIMITS.weekly} are possible` }
  for (const [index, span] of weekly.entries()) {
    const fault = weeklyFault(span)
    if (fault !== undefined) return { path: ['weekly', index, ...fault.path], reason: fault.reason }
  }
  if (holidays.length > HOURS_LIMITS.holidays)
    return {
      path: ['holidays'],
      reason: `has ${holidays.length} entries, at most ${HOURS_LIMITS.holidays} are possible`,
    }
  for (const [index, holiday] of holidays.entries()) {
    const fault = holidayFault(holiday)
    if (fault !== undefined) return { path: ['holidays', index, ...fault.path], reason: fault.reason }
  }
  return undefined
}

function weeklyFault(span: WeeklySpan): HoursFault | undefined {
  if (span.days.length === 0) return { path: ['days'], reason: 'is empty: a span needs at least one day' }
  if (new Set(span.days).size < span.days.length) return { path: ['days'], reason: 'names a day twice' }
  const unknown = span.days.find(day => !WEEK_DAYS.includes(day))
  if (unknown !== undefined)
    return { path: ['days'], reason: `${quoted(unknown)} is not a day: write ${WEEK_DAYS.join(', ')}` }
  return spanFault(span)
}

function holidayFault({ from, to = from, open = [], name = '' }: Holiday): HoursFault | undefined {
  const [first, last] = [dayNumber(from), dayNumber(to)]
  if (first === undefined) return { path: ['from'], reason: `${quoted(from)} is not a date such as 2026-10-01` }
  if (last === undefined) return { path: ['to'], reason: `${quoted(to)} is not a date such as 2026-10-07` }
  if (last < first) return { path: ['to'], reason: `${to} is before the first day, ${from}` }
  if (name.length > HOURS_LIMITS.nameCharacters)
    return { path: ['name'], reason: `is longer than ${HOURS_LIMITS.nameCharacters} characters` }
  if (open.length > HOURS_LIMITS.open)
    return { path: ['open'], reason: `has ${open.length} spans, at most ${HOURS_LIMITS.open} are possible` }
  for (const [index, span] of open.entries()) {
    const fault = spanFault(span)
    if (fault !== undefined) return { path: ['open', index, ...fault.path], reason: fault.reason }
  }
  return undefined
}

/** What is wrong with the times of a span; the path is `from` or `to`. */
export function spanFault({ from, to }: OpenSpan): HoursFault | undefined {
  const start = minuteOfDay(from)
  if (start === undefined || start === DAY_MINUTES)
    return { path: ['from'], reason: `${quoted(from)} is not a time from 00:00 to 23:59` }
  if (minuteOfDay(to) === undefined) return { path: ['to'], reason: `${quoted(to)} is not a time from 00:00 to 24:00` }
  return undefined
}

/** Minutes from midnight to `HH:MM`, 24:00 included; `undefined` for any other text. */
export function minuteOfDay(time: string): number | undefined {
  if (!/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(time)) return undefined
  return 60 * Number(time.slice(0, 2)) + Number(time.slice(3))
}

/** Days from 1970-01-01 to `YYYY-MM-DD`; `undefined` for any other text and for days that no calendar has. */
export function dayNumber(date: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return undefined
  const startsAt = Date.parse(`${date}T00:00:00Z`)
  // Of 30 February some make the first days of March.
  if (Number.isNaN(startsAt) || new Date(startsAt).getUTCDate() !== Number(date.slice(8))) return undefined
  return startsAt / DAY_MS
}

/** Somebody's text in quotes, short and without invisible characters, to be shown in a message. */
export function quoted(text: string): string {
  return `"${text.slice(0, 40).replace(/\p{C}/gu, '\u{fffd}')}"`
}

/** Abbreviations are refused: Intl reads CST as the time of Chicago, whoever meant the time of China. */
function isTimeZone(name: string): boolean {
  if (name.length > 64 || (name !== 'UTC' && !/^[A-Za-z][\w+-]*\//.test(name))) return false
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}
