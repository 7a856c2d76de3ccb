import { displayWidth } from './table.js'
import { type Style, styled, type Terminal } from './terminal.js'

/** A short text among others; in a style when it wants attention. */
export type Part = readonly [text: string, style?: Style]

const LABEL_WIDTH = 9
/** Below this the parts stand under their label, not beside it. */
const NARROW = 40
const BETWEEN = ' · '

/** A label and its parts on as many lines as the terminal's width takes; a part that is wider than a line is cut. Each line ends with a line feed. */
export function section(label: string, parts: readonly Part[], terminal: Terminal): string {
  const head = styled(label, 'bold', terminal)
  if (terminal.width < NARROW) return `${head}\n${fold(parts, '  ', terminal).join('\n')}\n`
  const lines = fold(parts, ' '.repeat(LABEL_WIDTH), terminal).join('\n')
  return `${head}${lines.slice(label.length)}\n`
}

/** Parts on lines that begin with an indent. */
export function fold(parts: readonly Part[], indent: string, terminal: Terminal): string[] {
  const room = Math.max(1, terminal.width - indent.length)
  const lines: string[] = []
  let line = ''
  let width = 0
  for (const [whole, style] of parts) {
    const text = cut(whole, room)
    const shown = style === undefined ? text : styled(text, style, terminal)
    const needed = displayWidth(text)
    if (width > 0 && width + BETWEEN.length + needed > room) {
      lines.push(`${indent}${line}`)
      line = ''
      width = 0
    }
    line += width > 0 ? `${BETWEEN}${shown}` : shown
    width += needed + (width > 0 ? BETWEEN.length : 0)
  }
  lines.push(`${indent}${line}`)
  return lines
}

function cut(text: string, room: number): string {
  if (displayWidth(text) <= room) return text
  let kept = ''
  let width = 0
  for (const character of text) {
    width += displayWidth(character)
    if (width > room - 1) break
    kept += character
  }
  return `${kept}…`
}
