/** Finding what was meant. */

/**
 * The candidate that a mistyped word most probably means: one that it is the beginning of, else the nearest within two edits (insert, remove,
 * replace or swap neighbours). `undefined` when none is that near. Case does not count.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase()
  let best: string | undefined
  let bestDistance = EDIT_LIMIT + 1
  for (const candidate of candidates) {
    const text = candidate.toLowerCase()
    if (wanted.length >= 3 && text.startsWith(wanted)) return candidate
    // Two edits turn any word of two letters into any other.
    const limit = Math.min(EDIT_LIMIT, Math.floor(Math.max(wanted.length, text.length) / 3))
    const edits = distance(wanted, text)
    if (edits <= limit && edits < bestDistance) {
      best = candidate
      bestDistance = edits
    }
  }
  return best
}

/** `, did you mean "…"?` for the error templates that end with a suggestion; empty when nothing is near. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates)
  return found === undefined ? '' : `, did you mean "${found}"?`
}

const EDIT_LIMIT = 2
const LENGTH_LIMIT = 64

function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > EDIT_LIMIT || a.length > LENGTH_LIMIT) return EDIT_LIMIT + 1
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min(replace, previous[j]! + 1, row[j - 1]! + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1)
      row.push(best)
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}
