import { KefuError } from '../../errors.js'
import {
  DAY_MINUTES,
  dayNumber,
  type HoursSpec,
  hoursFault,
  minuteOfDay,
  type OpenSpan,
  WEEK_DAYS,
} from './hours-spec.js'
import { createLocalTime } from './local-time.js'

/**
 * When a team is open. Local wall time decides, whatever the zone does to its clock: a span opens at the first instant at which the clock shows its `from`, and
 * closes at the last at which it shows its `to`; what the clock jumps over takes effect at the jump. Remembers the state it is in, so that to ask for ever
 * later instants costs a comparison for each, and one search for each change. Instants are epoch ms of the years 1900 to 9998; throws RangeError for others.
 */
export type Hours = {
  isOpen(atMs: number): boolean
  /** The first instant after `atMs` at which `isOpen` is another; `undefined` when there is none within 400 days, that day's end included. */
  nextChange(atMs: number): number | undefined
}

/** How far `nextChange` looks ahead. */
export const CHANGE_HORIZON_MS = 400 * 86_400_000

/** Parses a spec once. Throws `KEFU_USAGE` with its first fault (`hoursFault`). */
export function createHours(spec: HoursSpec): Hours {
  const fault = hoursFault(spec)
  if (fault !== undefined) throw new KefuError('KEFU_USAGE', { reason: `${fault.path.join('.')}: ${fault.reason}` })
  const local = createLocalTime(spec.timeZone)
  const spansOn = daily(spec)
  let state: State = { open: false, from: 0, until: 0, changes: false }

  /** Walks the spans around `atMs` in the order of their starts, on the wall clock; only where one ends before the next begins are instants looked up. */
  function search(atMs: number): State {
    if (!(atMs >= EARLIEST_MS && atMs <= LATEST_MS)) throw new RangeError('not an instant of the years 1900 to 9998')
    const today = Math.floor(local.wallAt(atMs) / DAY_MS)
    const endDay = today + DAYS_AHEAD
    // The union of what was walked so far: what is final in instants, then what still grows on the wall clock.
    let [start, end] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
    let [from, to] = [Number.NaN, Number.NEGATIVE_INFINITY]

    /** Adds from–to to start–end; the state, once a span begins after `atMs` that does not lengthen start–end. */
    const settle = (): State | undefined => {
      const [opensAt, closesAt] = [local.first(from), local.last(to)]
      // All of it is jumped over.
      if (closesAt <= opensAt) return undefined
      if (opensAt <= end) {
        end = Math.max(end, closesAt)
        return undefined
      }
      if (opensAt > atMs)
        return end > atMs
          ? { open: true, from: start, until: end, changes: true }
          : { open: false, from: Math.max(end, atMs - DAY_MS), until: opensAt, changes: true }
      start = opensAt
      end = closesAt
      return undefined
    }

    for (let day = today - DAYS_BEFORE; day < endDay; day++) {
      for (const span of spansOn(day)) {
        const spanFrom = day * DAY_MS + span.from * MINUTE_MS
        const spanTo = day * DAY_MS + span.to * MINUTE_MS
        if (spanFrom > to) {
          const found = Number.isNaN(from) ? undefined : settle()
          if (found !== undefined) return found
          from = spanFrom
        }
        to = Math.max(to, spanTo)
      }
    }
    const found = Number.isNaN(from) ? undefined : settle()
    if (found !== undefined) return found
    const unseen = local.first(endDay * DAY_MS)
    if (end <= atMs) return { open: false, from: Math.max(end, atMs - DAY_MS), until: unseen, changes: false }
    return { open: true, from: start, until: Math.min(end, unseen), changes: end < unseen }
  }

  return {
    isOpen(atMs) {
      if (!(atMs >= state.from && atMs < state.until)) state = search(atMs)
      return state.open
    },
    nextChange(atMs) {
      const horizon = atMs + CHANGE_HORIZON_MS
      const isKnown = atMs >= state.from && atMs < state.until && (state.changes || state.until > horizon)
      if (!isKnown) state = search(atMs)
      return state.changes && state.until <= horizon ? state.until : undefined
    },
  }
}

/** Open or closed from an instant (inclusive) until another (exclusive); there it changes, or nothing is known of what comes then. */
type State = { readonly open: boolean; readonly from: number; readonly until: number; readonly changes: boolean }

/** In minutes from midnight; `to` may lie in the day after. */
type Span = { readonly from: number; readonly to: number }

const MINUTE_MS = 60_000
const DAY_MS = DAY_MINUTES * MINUTE_MS
const EARLIEST_MS = Date.UTC(1900, 0, 2)
const LATEST_MS = Date.UTC(9998, 0, 1)

/** A span lasts at most until the end of the day after; the third day is for zones that moved to the other side of the date line. */
const DAYS_BEFORE = 3

/** A month further than `nextChange` promises, for it to search only once a month when nothing changes. */
const DAYS_AHEAD = 430

/** The spans that start on a day (its number from 1970-01-01), by their start; they neither overlap nor touch. */
function daily({ weekly, holidays }: HoursSpec): (day: number) => readonly Span[] {
  const byWeekDay = WEEK_DAYS.map(day => union(weekly.filter(({ days }) => days.includes(day))))
  const exceptions = holidays.map(({ from, to = from, open = [] }) => ({
    first: dayNumber(from)!,
    last: dayNumber(to)!,
    spans: union(open),
  }))
  return day => {
    for (let i = exceptions.length - 1; i >= 0; i--) {
      const { first, last, spans } = exceptions[i]!
      if (day >= first && day <= last) return spans
    }
    // 1970-01-01 was a Thursday.
    return byWeekDay[(((day + 3) % 7) + 7) % 7]!
  }
}

function union(spans: readonly OpenSpan[]): readonly Span[] {
  const parsed = spans.map(({ from, to }): Span => {
    const [start, end] = [minuteOfDay(from)!, minuteOfDay(to)!]
    return { from: start, to: end > start ? end : end + DAY_MINUTES }
  })
  const merged: Span[] = []
  for (const span of parsed.sort((a, b) => a.from - b.from)) {
    const before = merged.at(-1)
    if (before === undefined || span.from > before.to) merged.push(span)
    else merged[merged.length - 1] = { from: before.from, to: Math.max(before.to, span.to) }
  }
  return merged
}
