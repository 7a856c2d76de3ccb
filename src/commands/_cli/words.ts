/** Facts as people read them. What scripts read is in `units.ts` and RFC 3339. */

const DURATIONS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const
const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

const OUTBOX_WORDS = [
  { state: 'due', isRare: false },
  { state: 'retrying', isRare: false },
  { state: 'sending', isRare: true },
  { state: 'parked', isRare: true },
  { state: 'unknown', isRare: true },
  { state: 'dead', isRare: false },
] as const

/** The two largest units: `3d 4h`, `1m 48s`, `0.4s`, `12ms`. */
export function wordsOfDuration(ms: number): string {
  if (ms < 100) return `${Math.round(ms)}ms`
  if (ms < 1000) return `${(ms / 1000).toFixed(1)}s`
  const words: string[] = []
  let left = ms
  for (const [unit, size] of DURATIONS) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0) words.push(`${count}${unit}`)
    // Hours and seconds without the minutes between them would be read wrongly.
    else if (words.length > 0) break
    if (words.length === 2) break
  }
  return words.join(' ')
}

/** Three digits and a unit: `3.1 GiB`, `512 B`. */
export function wordsOfSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < SIZES.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${SIZES[unit]}`
}

/** Three digits, or more where the number has them: `0.42`, `12.5`, `5 010`. */
export function wordsOfNumber(value: number): string {
  if (value === 0) return '0'
  return value >= 99.5 ? groupDigits(Math.round(value)) : value.toFixed(value >= 9.95 ? 1 : 2)
}

/** A count with its noun: `1 agent`, `3 agents`. */
export function wordsOfCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${groupDigits(count)} ${count === 1 ? noun : plural}`
}

/** `18 402 113`. */
export function groupDigits(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** Local date and time to the minute: `2026-11-02 14:00`. */
export function wordsOfInstant(atMs: number): string {
  const at = new Date(atMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}`
}

/** RFC 3339 in UTC, for scripts. */
export function instantText(atMs: number): string {
  return new Date(atMs).toISOString()
}

/** What is in the outbox: `6 due, 2 retrying, 0 dead`; what is rare only where there is some. */
export function wordsOfOutbox(totals: Readonly<Record<string, number>>): string {
  const parts = OUTBOX_WORDS.filter(({ state, isRare }) => !isRare || (totals[state] ?? 0) > 0)
  return parts.map(({ state }) => `${groupDigits(totals[state] ?? 0)} ${state}`).join(', ')
}
