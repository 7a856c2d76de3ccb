/** Durations and sizes as people write them. */

const DURATION_UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const
const SIZE_UNITS = {
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
} as const
const BINARY_UNITS = ['TiB', 'GiB', 'MiB', 'KiB'] as const

/** Milliseconds of `500ms`, `30s`, `1.5m`, `1h30m`; `undefined` for any other text (a unit is required) and above 2^53. */
export function parseDurationMs(text: string): number | undefined {
  const pieces = text.trim().match(/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/)
  if (pieces === null || text.length > 40) return undefined
  let ms = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g))
    ms += Number(amount) * DURATION_UNITS[unit as keyof typeof DURATION_UNITS]
  const rounded = Math.round(ms)
  return Number.isSafeInteger(rounded) ? rounded : undefined
}

/** The shortest text that `parseDurationMs` reads back to the same number: `1h30m`, `15s`, `1s500ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let text = ''
  let left = ms
  for (const [unit, size] of Object.entries(DURATION_UNITS)) {
    const count = Math.floor(left / size)
    if (count > 0) text += `${count}${unit}`
    left -= count * size
  }
  return text
}

/** Bytes of `4096`, `64KiB`, `1.5 MiB`, `20MB` (powers of 1000 without the i); `undefined` for any other text and above 2^53. */
export function parseSizeBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s?([kmgt]?i?b)?$/i.exec(text.trim())
  const unit = (match?.[2] ?? 'b').toLowerCase()
  if (match === null || text.length > 40 || !(unit in SIZE_UNITS)) return undefined
  const bytes = Math.round(Number(match[1]) * SIZE_UNITS[unit as keyof typeof SIZE_UNITS])
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** A text that `parseSizeBytes` reads back to the same number: `256KiB`, `1000B`. */
export function formatSize(bytes: number): string {
  for (const unit of BINARY_UNITS) {
    const size = SIZE_UNITS[unit.toLowerCase() as keyof typeof SIZE_UNITS]
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return `${bytes}B`
}
