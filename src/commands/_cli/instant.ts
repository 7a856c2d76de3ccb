import { parseDurationMs } from '../../daemon/config/units.js'
import { KefuError } from '../../errors.js'

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/

/**
 * The instant (epoch ms) that a flag names: so long ago (`2h`), a date, also with a time (`2026-11-16`, `2026-11-16T08:00`), or `today` or `yesterday`, also with
 * a time of the day. Times are local unless they name a zone (`2026-11-16T08:00:00Z`). Throws `KEFU_USAGE`.
 */
export function instantOf(flag: string, text: string, nowMs: number): number {
  const ago = parseDurationMs(text)
  if (ago !== undefined) return Math.max(0, nowMs - ago)
  const [, day, hours = '0', minutes = '0'] = /^(today|yesterday)(?: ([01]?\d|2[0-3]):([0-5]\d))?$/.exec(text) ?? []
  if (day !== undefined) {
    const at = new Date(nowMs)
    at.setDate(at.getDate() - (day === 'today' ? 0 : 1))
    return at.setHours(Number(hours), Number(minutes), 0, 0)
  }
  const at = dateIn(text)
  if (at !== undefined) return at
  throw new KefuError('KEFU_USAGE', {
    reason: `--${flag} "${text.slice(0, 40)}" is neither a duration such as 7d nor an instant such as 2026-11-16T08:00:00Z`,
  })
}

function dateIn(text: string): number | undefined {
  const [, year, month, day, hours = '0', minutes = '0', seconds = '0', zone] = DATE.exec(text) ?? []
  if (year === undefined) return undefined
  const [y, m, d, h, min, sec] = [year, month, day, hours, minutes, seconds].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const named = new Date(Date.UTC(y, m - 1, d))
  if (named.getUTCMonth() !== m - 1 || named.getUTCDate() !== d || h > 23 || min > 59 || sec > 59) return undefined
  const at = zone === undefined ? new Date(y, m - 1, d, h, min, sec).getTime() : Date.parse(text.replace(' ', 'T'))
  return at >= 0 ? at : undefined
}
