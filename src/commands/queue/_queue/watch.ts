import { setTimeout as delay } from 'node:timers/promises'
import type { AnswerOf, ControlClient, QueueRowView, RequestOf } from '../../../daemon/control/client.js'
import { isKefuError } from '../../../errors.js'
import { fold, type Part } from '../../_cli/fold.js'
import type { ListColumn, Output } from '../../_cli/output.js'
import { createScreen } from '../../_cli/screen.js'
import { displayWidth, renderTable } from '../../_cli/table.js'
import { oneLine, type Terminal } from '../../_cli/terminal.js'
import { wordsOfDuration } from '../../_cli/words.js'
import { totalsParts } from './views.js'

/** What is watched, and where it is shown. */
export type QueueWatch = {
  readonly control: Pick<ControlClient, 'call'>
  readonly request: RequestOf<'queue.list'>
  columns(nowMs: number): ListColumn<QueueRowView>[]
  readonly output: Output
  readonly intervalMs: number
  readonly signal: AbortSignal
  /** Lines above a drawn view; longer ones go on at the next line without a break, so that they can be copied. */
  readonly above?: readonly string[]
}

/** Views of the same queue share one answer of the daemon for this long. */
const SHARED_MS = 1_000
/** Pages of drawn views come in steps of so many rows, so that views of other heights share them, too. */
const ROW_STEP = 25
const PAGE_LIMIT = 1_000
/** Lines of the screen that are not rows: totals, the table's head, a line for what went wrong. */
const OTHER_LINES = 3

/** Shows the queue until the signal: drawn at a terminal, what changes otherwise. Throws what the first look throws. */
export async function watchQueue(watch: QueueWatch): Promise<void> {
  if (watch.output.mode === 'human') await drawQueue(watch)
  else await tellChanges(watch)
}

/** What a view that is drawn on so many lines asks for: no more rows than it can show. */
export function drawnRequest(
  request: RequestOf<'queue.list'>,
  lines: number,
  intervalMs: number,
): RequestOf<'queue.list'> {
  const limit = Math.min(request.limit ?? PAGE_LIMIT, PAGE_LIMIT, Math.ceil(rowsOn(lines) / ROW_STEP) * ROW_STEP)
  return { ...request, limit, maxAgeMs: Math.min(SHARED_MS, intervalMs) }
}

async function drawQueue({
  control,
  request,
  columns,
  output,
  intervalMs,
  signal,
  above = [],
}: QueueWatch): Promise<void> {
  let answer = await control.call('queue.list', drawnRequest(request, process.stdout.rows, intervalMs))
  const screen = createScreen({ input: process.stdin, output: process.stdout, signal })
  let trouble: readonly string[] = []
  try {
    while (!screen.signal.aborted) {
      const terminal = { ...output.terminal, width: screen.columns }
      const notes = [`every ${wordsOfDuration(intervalMs)}`, 'q quits', ...trouble]
      const head = wrapped(above, screen.columns)
      const lines = screen.rows - head.height
      screen.draw(head.text + (await renderQueue({ answer, columns, notes, nowMs: Date.now(), terminal, lines })))
      await screen.pause(intervalMs)
      if (screen.signal.aborted) break
      try {
        answer = await control.call('queue.list', drawnRequest(request, screen.rows, intervalMs))
        trouble = []
      } catch (error) {
        // A daemon that restarts comes back: the view goes on.
        if (!isKefuError(error) || !error.retryable) throw error
        trouble = [`${error.message}; trying again`]
      }
    }
  } finally {
    screen.close()
  }
}

/** Lines as the terminal wraps them, and how many it makes of them. */
export function wrapped(lines: readonly string[], columns: number): { readonly text: string; readonly height: number } {
  let text = ''
  let height = 0
  for (const line of lines) {
    const width = displayWidth(line)
    // A line that ends at the edge would lose its last character when the rest of it is cleared.
    text += width > 0 && width % columns === 0 ? `${line} \n` : `${line}\n`
    height += Math.floor(width / columns) + 1
  }
  return { text, height }
}

/** A queue as it stood at an instant, and where it is to be shown. */
export type QueueFrame = {
  readonly answer: Pick<AnswerOf<'queue.list'>, 'totals' | 'conversations'>
  columns(nowMs: number): ListColumn<QueueRowView>[]
  /** Stand behind the totals. */
  readonly notes: readonly string[]
  readonly nowMs: number
  readonly terminal: Terminal
  /** Lines of the terminal. */
  readonly lines: number
}

/** The totals, then as many rows as the terminal has lines for. No line is wider than the terminal. */
export async function renderQueue(frame: QueueFrame): Promise<string> {
  const { answer, columns, notes, nowMs, terminal, lines } = frame
  const clock = new Date(nowMs).toTimeString().slice(0, 8)
  const parts = [...totalsParts(answer.totals, nowMs), clock, ...notes]
  const title = fold(
    parts.map((text): Part => [text]),
    '',
    terminal,
  )
  const shown = answer.conversations.slice(0, Math.max(1, lines - title.length - 1))
  const cells = shown.map(row => columns(nowMs).map(column => oneLine((column.human ?? column.plain)(row))))
  const table = shown.length === 0 ? 'Nobody waits.\n' : await renderTable(columns(nowMs), cells, terminal)
  return `${title.join('\n')}\n${table}`
}

/** Conversations that fit. */
function rowsOn(lines: number): number {
  return Math.max(1, lines - OTHER_LINES)
}

/** One line per change: `queued`, `assigned`, `snoozed` or `left`, and the row. */
async function tellChanges({ control, request, columns, output, intervalMs, signal }: QueueWatch): Promise<void> {
  let before: ReadonlyMap<string, QueueRowView> | undefined
  let isAway = false
  while (!signal.aborted) {
    const present = await look()
    if (present !== undefined) compare(present)
    await delay(intervalMs, undefined, { signal }).catch(() => undefined)
  }

  async function look(): Promise<ReadonlyMap<string, QueueRowView> | undefined> {
    try {
      const present = await everything(control, { ...request, maxAgeMs: Math.min(SHARED_MS, intervalMs) })
      isAway = false
      return present
    } catch (error) {
      // A daemon that restarts comes back: what has changed meanwhile is told then.
      if (before === undefined || !isKefuError(error) || !error.retryable) throw error
      if (!isAway) output.note(`${error.message}; trying again`)
      isAway = true
      return undefined
    }
  }

  function compare(present: ReadonlyMap<string, QueueRowView>): void {
    const nowMs = Date.now()
    for (const [conversation, row] of present) {
      const type = changeOf(before?.get(conversation), row)
      if (type !== undefined) tell(type, row, nowMs)
    }
    for (const [conversation, row] of before ?? []) if (!present.has(conversation)) tell('left', row, nowMs)
    before = present
  }

  function tell(type: string, row: QueueRowView, nowMs: number): void {
    output.event({ type, ...row })
    output.raw(`${[type, ...columns(nowMs).map(column => oneLine(column.plain(row)))].join('\t')}\n`)
  }
}

function changeOf(before: QueueRowView | undefined, row: QueueRowView): string | undefined {
  if (before?.state === row.state && before.agent === row.agent) return undefined
  return { waiting: 'queued', bot: 'assigned', active: 'assigned', snoozed: 'snoozed' }[row.state]
}

/**
 * All of them. Those of one page are as they were at one instant. Where there are more, some change their places between two pages and would be missed, or come twice: these
 * are asked for in an order in which none moves.
 */
async function everything(
  control: Pick<ControlClient, 'call'>,
  request: RequestOf<'queue.list'>,
): Promise<ReadonlyMap<string, QueueRowView>> {
  const whole = { ...request, cursor: undefined, limit: PAGE_LIMIT }
  let page = await control.call('queue.list', whole)
  if (page.next === undefined) return new Map(page.conversations.map(row => [row.conversation, row]))
  const rows = new Map<string, QueueRowView>()
  let cursor: string | undefined
  do {
    page = await control.call('queue.list', { ...whole, sort: 'channel', cursor })
    for (const row of page.conversations) rows.set(row.conversation, row)
    cursor = page.next
  } while (cursor !== undefined)
  return rows
}
