import { styled, type Terminal } from './terminal.js'

/** A column of a table. */
export type Column = {
  readonly header: string
  readonly align?: 'left' | 'right'
  /** May be cut when the terminal is too narrow. */
  readonly isFlexible?: boolean
  /** Left out where not even the narrowest columns fit side by side; the lower its rank, the later. Without a rank it always stays. */
  readonly rank?: number
}

const GAP = 2
const NARROWEST = 8
const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}

/** A table without lines, for a terminal: wide characters count twice, flexible columns are cut (`…`) until it fits, and columns with a rank are left out where that is not enough. Ends with a line feed. */
export async function renderTable(
  every: readonly Column[],
  cells: readonly (readonly string[])[],
  terminal: Terminal,
): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const kept = fittingColumns(every, cells, terminal.width)
  const columns = every.filter((_, index) => kept.has(index))
  const rows = cells.map(row => row.filter((_, index) => kept.has(index)))
  const widths = fittingWidths(columns, rows, terminal.width)
  const table = new Table({
    head: columns.map(column => column.header),
    chars: BORDERLESS,
    colWidths: widths,
    colAligns: columns.map(column => column.align ?? 'left'),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP },
  })
  for (const row of rows) table.push([...row])
  const [head = '', ...lines] = table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
  // The library would colour by its own idea of the terminal (it looks at CI, for one).
  return `${[styled(head, 'bold', terminal), ...lines].join('\n')}\n`
}

/** The indexes of the columns that are shown. */
function fittingColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  limit: number,
): ReadonlySet<number> {
  const needed = fullWidths(columns, rows).map(
    (width, index) => (columns[index]?.isFlexible === true ? Math.min(width, NARROWEST) : width) + GAP,
  )
  const byRank = [...columns.entries()].sort(([, a], [, b]) => (a.rank ?? 0) - (b.rank ?? 0))
  const kept = new Set<number>()
  let room = limit + GAP
  for (const [index, { rank }] of byRank) {
    const width = needed[index] ?? 0
    if (rank !== undefined && width > room) continue
    kept.add(index)
    room -= width
  }
  return kept
}

function fullWidths(columns: readonly Column[], rows: readonly (readonly string[])[]): number[] {
  return columns.map(({ header }, index) =>
    rows.reduce((widest, row) => Math.max(widest, displayWidth(row[index] ?? '')), displayWidth(header)),
  )
}

function fittingWidths(columns: readonly Column[], rows: readonly (readonly string[])[], limit: number): number[] {
  const widths = fullWidths(columns, rows)
  let excess = widths.reduce((sum, width) => sum + width + GAP, -GAP) - limit
  while (excess > 0) {
    const widest = columns.reduce(
      (best, column, index) =>
        column.isFlexible && widths[index]! > NARROWEST && (best < 0 || widths[index]! > widths[best]!) ? index : best,
      -1,
    )
    if (widest < 0) break
    const cut = Math.min(excess, widths[widest]! - NARROWEST, Math.max(1, Math.ceil(excess / 4)))
    widths[widest]! -= cut
    excess -= cut
  }
  return widths.map(width => width + GAP)
}

/** Columns that a text takes on a terminal: Chinese, Japanese, Korean and emoji take two, marks none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) width += MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

const MARK = /\p{M}/u
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u
