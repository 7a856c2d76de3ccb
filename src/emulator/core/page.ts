import type { PlatformEmulator } from './platform-emulator.js'
import type { Delivery, PushAttempt } from './pusher.js'

const ROWS = 50

/** A row of cells; those that are no text are marked. */
type Cell = string | { readonly text: string; readonly mark: 'number' | 'text' | 'good' | 'bad' | 'dim' }

/** The inspection page as it is now. Whatever came from outside is escaped. */
export function renderPage({ kind, core }: PlatformEmulator): string {
  const { sent, pusher, faults } = core
  const messages = sent.list().slice(-ROWS).reverse()
  const deliveries = pusher.list().slice(-ROWS).reverse()
  const waiting = faults.list()
  const windows = sent.windows(ROWS)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(kind)} · emulated platform</title>
<link rel="stylesheet" href="/emulator/page.css">
<script src="/emulator/page.js" defer></script>
</head>
<body>
<h1>${escapeHtml(kind)} <span class="dim">emulated platform</span></h1>
<p id="status" class="bad" role="status"></p>
<main>
<p>Callback: ${escapeHtml(pusher.target ?? 'none')} · pushes waiting: ${pusher.waiting}</p>
${section(
  `Sent to users (${sent.total})`,
  ['#', 'time', 'user', 'type', 'what the user sees'],
  messages.map(({ n, at, user, type, text }) => [number(n), number(timeOf(at)), user, type, { text, mark: 'text' }]),
)}
${section(
  `Pushed to the channel (${pusher.total})`,
  ['#', 'time', 'user', 'what', 'state', 'attempts'],
  deliveries.map(({ n, at, user, what, fault, state, attempts }) => [
    ...[number(n), number(timeOf(at)), user],
    ...[fault === undefined ? what : `${what} (${fault})`, stateCell(state)],
    { text: attempts.map(wordsOfAttempt).join('\n'), mark: 'text' },
  ]),
)}
${section(
  'Windows',
  ['user', 'opened by', 'messages left', 'until', ''],
  windows.map(({ user, grant, left, messages: of, endsAt, isOpen }) => [
    ...[user, grant, number(`${left} of ${of}`), number(timeOf(endsAt))],
    isOpen ? { text: 'open', mark: 'good' } : { text: 'closed', mark: 'dim' },
  ]),
)}
${section(
  'Faults that wait',
  ['#', 'fault', 'how often', 'details'],
  waiting.map(({ n, fault, left, count: _, ...details }) => [number(n), fault, number(left), JSON.stringify(details)]),
)}
</main>
</body>
</html>
`
}

/** A text that is only text in HTML, in quotes too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

function section(title: string, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const header = head.map(name => `<th scope="col">${escapeHtml(name)}</th>`).join('')
  const body = rows.map(cells => `<tr>${cells.map(cellHtml).join('')}</tr>`).join('\n')
  const table = `<div class="scroll"><table>\n<thead><tr>${header}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table></div>`
  return `<h2>${escapeHtml(title)}</h2>\n${rows.length === 0 ? '<p class="dim">None.</p>' : table}`
}

function cellHtml(cell: Cell): string {
  return typeof cell === 'string'
    ? `<td>${escapeHtml(cell)}</td>`
    : `<td class="${cell.mark}">${escapeHtml(cell.text)}</td>`
}

function number(value: number | string): Cell {
  return { text: String(value), mark: 'number' }
}

function stateCell(state: Delivery['state']): Cell {
  const mark = state === 'delivered' ? 'good' : state === 'failed' ? 'bad' : 'dim'
  return { text: state, mark }
}

function wordsOfAttempt({ ms, status, answer, failure }: PushAttempt): string {
  return failure ?? `${status} in ${ms} ms: ${answer === '' ? '(empty)' : answer}`
}

function timeOf(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
