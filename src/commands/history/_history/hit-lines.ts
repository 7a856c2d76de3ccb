import type { SearchHitView, SearchLineView } from '../../../daemon/control/client.js'
import type { Output } from '../../_cli/output.js'
import { displayWidth } from '../../_cli/table.js'
import { oneLine, styled, type Terminal } from '../../_cli/terminal.js'
import { instantText } from '../../_cli/words.js'
import { safeText } from '../../chat/_chat/safe-text.js'

const AUTHOR_WIDTH = 12
/** Characters of a text that are shown, of which so many before its first hit. */
const SHOWN_LENGTH = 240
const LEAD_LENGTH = 60

type Span = readonly [start: number, end: number]

/** Writes hits as people or scripts read them, one after the other. */
export type HitLines = { write(hit: SearchHitView): void }

/** For people: a heading for each conversation that hits follow each other in, and the words that were looked for in bold. For scripts: a line for each line. */
export function createHitLines(output: Output, { hasContext }: { readonly hasContext: boolean }): HitLines {
  const { terminal } = output
  let last: string | undefined
  return {
    write(hit) {
      const { before, after } = hit
      if (output.mode === 'plain') {
        for (const line of before) output.raw(plainLine(hit, line, hasContext ? ['before'] : []))
        output.raw(plainLine(hit, hit, hasContext ? ['hit'] : []))
        for (const line of after) output.raw(plainLine(hit, line, hasContext ? ['after'] : []))
        return
      }
      const { conversation, channel, contact, name } = hit
      if (conversation !== last) {
        const place = `${conversation} · ${oneLine(channel)} · ${oneLine(name ?? contact)}`
        output.raw(`${last === undefined ? '' : '\n'}${styled(place, 'dim', terminal)}\n`)
      } else if (hasContext) output.raw('\n')
      last = conversation
      for (const line of before) output.raw(`${styled(humanLine(hit, line, [], PLAIN), 'dim', terminal)}\n`)
      output.raw(`${humanLine(hit, hit, hit.marks, terminal)}\n`)
      for (const line of after) output.raw(`${styled(humanLine(hit, line, [], PLAIN), 'dim', terminal)}\n`)
    },
  }
}

const PLAIN: Terminal = { isTerminal: false, hasColor: false, width: 80 }

function plainLine(hit: SearchHitView, { at, n, by, text }: SearchLineView, what: readonly string[]): string {
  const { conversation, channel, contact, name } = hit
  const cells = [
    instantText(at),
    conversation,
    String(n),
    channel,
    contact,
    by.role,
    authorOf(by, name ?? contact),
    text,
  ]
  return `${[...cells, ...what].map(oneLine).join('\t')}\n`
}

function humanLine(
  { name, contact }: SearchHitView,
  { at, n, by, text }: SearchLineView,
  marks: readonly Span[],
  terminal: Terminal,
): string {
  const author = authorOf(by, name ?? contact)
  const pad = ' '.repeat(Math.max(0, AUTHOR_WIDTH - displayWidth(author)))
  return `  ${timeOf(at)}  ${String(n).padStart(5)}  ${author}${pad}  ${marked(text, marks, terminal)}`
}

function authorOf({ role, name, id }: SearchLineView['by'], contact: string): string {
  if (role === 'contact') return shown(contact)
  if (role === 'agent') return shown(name ?? id ?? 'agent')
  return role === 'operator' ? 'operator' : 'kefu'
}

/** A text on one line, cut to what stands around its first hit, with its hits in a style. */
export function marked(text: string, marks: readonly Span[], terminal: Terminal): string {
  const from = text.length <= SHOWN_LENGTH ? 0 : whole(text, Math.max(0, (marks[0]?.[0] ?? 0) - LEAD_LENGTH))
  const to = whole(text, Math.min(text.length, from + SHOWN_LENGTH))
  let written = from > 0 ? '…' : ''
  let at = from
  for (const [start, end] of marks) {
    if (end <= at || start >= to) continue
    const [first, last] = [Math.max(start, at), Math.min(end, to)]
    written += shown(text.slice(at, first)) + styled(shown(text.slice(first, last)), 'yellow', terminal)
    at = last
  }
  return `${written}${shown(text.slice(at, to))}${to < text.length ? '…' : ''}`
}

/** Never between the halves of a pair. */
function whole(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return at > 0 && code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}

function shown(text: string): string {
  return safeText(text).replace(/\n+/g, ' ')
}

function timeOf(at: number): string {
  const local = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  const date = `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())}`
  return `${date} ${local.toTimeString().slice(0, 8)}`
}
