/** A stretch of a text: UTF-16 offsets, the end exclusive. */
type Mark = readonly [start: number, end: number]

/** A part of a text with the marks in it. */
export type Excerpt = { readonly text: string; readonly marks: readonly Mark[]; readonly isCut: boolean }

/** Of what is left out before the first mark, this share of the length stays for orientation. */
const BEFORE = 4

/** The text, or, of a longer one, at most `length` units of it (never half of a pair) with the first mark in them. */
export function excerptOf(text: string, marks: readonly Mark[], length: number): Excerpt {
  if (text.length <= length) return { text, marks, isCut: false }
  const first = marks[0]?.[0] ?? 0
  let from = Math.max(0, Math.min(first - Math.floor(length / BEFORE), text.length - length))
  let to = from + length
  if (isLow(text, from)) from++
  if (isLow(text, to)) to--
  const inside = marks
    .map(([start, end]): Mark => [Math.max(start, from) - from, Math.min(end, to) - from])
    .filter(([start, end]) => start < end)
  return { text: text.slice(from, to), marks: inside, isCut: true }
}

/** Whether the second half of a pair is here. */
function isLow(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff
}
