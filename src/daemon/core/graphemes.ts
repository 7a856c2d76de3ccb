const SEGMENTER = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Units of UTF-16 that are looked at together: each step of the segmenter takes time in proportion to the text that it was given. */
const WINDOW = 128

/**
 * What a person sees as single characters, in order: together they are the text. Takes time in proportion to the text, also where that is one endless character.
 *
 * The text is looked at through windows that begin at a border. What ends a window may go on behind it, so it begins the next one; a window with no border inside
 * is doubled, and gives its first character only.
 */
export function graphemesOf(text: string): readonly string[] {
  const found: string[] = []
  let at = 0
  let size = WINDOW
  while (at < text.length) {
    const window = windowAt(text, at, size)
    const borders = bordersIn(window, size === WINDOW ? Number.POSITIVE_INFINITY : 1)
    if (at + window.length === text.length && (size === WINDOW || borders.length === 0)) borders.push(window.length)
    let start = 0
    for (const border of borders) {
      found.push(window.slice(start, border))
      start = border
    }
    at += start
    size = start === 0 ? size * 2 : WINDOW
  }
  return found
}

/** Of about `size` units, and never half of a pair. */
function windowAt(text: string, at: number, size: number): string {
  const end = at + size
  const last = text.charCodeAt(end - 1)
  return text.slice(at, last >= 0xd800 && last < 0xdc00 ? end + 1 : end)
}

/** The first borders inside. */
function bordersIn(window: string, most: number): number[] {
  const borders: number[] = []
  for (const { index } of SEGMENTER.segment(window)) {
    if (index > 0) borders.push(index)
    if (borders.length === most) break
  }
  return borders
}
