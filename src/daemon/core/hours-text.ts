import { KefuError } from '../../errors.js'
import { HOURS_LIMITS, quoted, spanFault, WEEK_DAYS, type WeekDay, type WeeklySpan } from './hours-spec.js'

/** How weekly hours are written, in words for messages and help. */
export const WEEKLY_RULE = 'days and times such as "Mon-Fri 09:00-18:00; Sat,Sun 10:00-12:00,13:00-16:00"'

const CLOSED = 'closed'
const TEXT_LIMIT_CHARACTERS = 4000

const DAY_NAMES = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const

/**
 * The weekly spans of a text: entries of days and times, with a semicolon between them; lists with commas; ranges of days, which may go over Sunday (Sat-Mon);
 * English names of days from three letters up, in any case. `closed` is no span. One span for each entry and time, in the order of the text.
 * Throws `KEFU_USAGE` that quotes what is wrong.
 */
export function parseWeekly(text: string): readonly WeeklySpan[] {
  if (text.length > TEXT_LIMIT_CHARACTERS) throw usage(`the hours are longer than ${TEXT_LIMIT_CHARACTERS} characters`)
  if (text.trim().toLowerCase() === CLOSED) return []
  const entries = text.split(';').map(entry => entry.trim())
  if (entries.length > 1 && entries.at(-1) === '') entries.pop()
  const weekly = entries.flatMap(parseEntry)
  if (weekly.length > HOURS_LIMITS.weekly)
    throw usage(`these are ${weekly.length} spans, at most ${HOURS_LIMITS.weekly} are possible`)
  return weekly
}

/**
 * The shortest text that `parseWeekly` reads as hours of the same meaning: spans of the same days in one entry, three days in a row as a range; `closed` for no
 * span. The spans must be without fault.
 */
export function formatWeekly(weekly: readonly WeeklySpan[]): string {
  const timesByDays = new Map<string, string[]>()
  for (const { days, from, to } of weekly) {
    const key = formatDays(days)
    const times = timesByDays.get(key)
    if (times === undefined) timesByDays.set(key, [`${from}-${to}`])
    else times.push(`${from}-${to}`)
  }
  if (timesByDays.size === 0) return CLOSED
  return Array.from(timesByDays, ([days, times]) => `${days} ${times.join(',')}`).join('; ')
}

function parseEntry(entry: string): WeeklySpan[] {
  if (entry === '') throw usage(`no hours: write ${WEEKLY_RULE}`)
  const timesAt = entry.search(/\d/)
  const days = (timesAt < 0 ? entry : entry.slice(0, timesAt)).trim()
  if (timesAt < 0) throw usage(`${quoted(entry)} has no times: write ${WEEKLY_RULE}`)
  if (days === '') throw usage(`${quoted(entry)} has no days: write ${WEEKLY_RULE}`)
  const named = [...new Set(days.split(',').flatMap(parseDays))]
  return entry
    .slice(timesAt)
    .split(',')
    .map(times => ({ days: named, ...parseTimes(times.trim()) }))
}

function parseDays(text: string): WeekDay[] {
  const [first, last, ...more] = text.split('-').map(day => day.trim())
  if (more.length > 0) throw usage(`${quoted(text.trim())} is not a range of days such as Mon-Fri`)
  const start = dayIndex(first!)
  const count = last === undefined ? 1 : ((dayIndex(last) - start + 7) % 7) + 1
  return WEEK_DAYS.map((_, index) => WEEK_DAYS[(start + index) % 7]!).slice(0, count)
}

function dayIndex(text: string): number {
  const index = DAY_NAMES.findIndex(name => text.length >= 3 && name.toLowerCase().startsWith(text.toLowerCase()))
  if (index < 0) throw usage(`${quoted(text)} is not a day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun`)
  return index
}

function parseTimes(text: string): { from: string; to: string } {
  const [from, to, ...more] = text.split('-').map(time => time.trim())
  if (from === undefined || to === undefined || more.length > 0)
    throw usage(`${quoted(text)} is not a span of time such as 09:00-18:00`)
  const span = { from: twoDigitHour(from), to: twoDigitHour(to) }
  const fault = spanFault(span)
  if (fault !== undefined) throw usage(fault.reason)
  return span
}

function twoDigitHour(time: string): string {
  return /^\d:/.test(time) ? `0${time}` : time
}

/** From Monday on; a run over Sunday begins with its first day. */
function formatDays(days: readonly WeekDay[]): string {
  const has = WEEK_DAYS.map(day => days.includes(day))
  if (!has.includes(false)) return 'Mon-Sun'
  const runs: string[] = []
  for (let start = 0; start < 7; start++) {
    if (!has[start] || has[(start + 6) % 7]) continue
    let length = 1
    while (has[(start + length) % 7]) length++
    const names = Array.from({ length }, (_, index) => DAY_NAMES[(start + index) % 7]!.slice(0, 3))
    runs.push(length > 2 ? `${names[0]}-${names.at(-1)}` : names.join(','))
  }
  return runs.join(',')
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
