import type { HistoryRecordView } from '../../../daemon/control/client.js'
import { instantText } from '../../_cli/words.js'
import { wordsOfRecord } from './record-words.js'

/** A way to write records: what stands at the top, and each record. */
export type ExportFormat = { readonly head: string; record(record: HistoryRecordView): string }

/** Formats for people; NDJSON is what the daemon tells. */
export const EXPORT_FORMATS = {
  csv: (hasByteOrderMark: boolean): ExportFormat => ({
    head: `${hasByteOrderMark ? '\u{feff}' : ''}${csvLine(CSV_COLUMNS)}`,
    record: csvRecord,
  }),
  markdown: (): ExportFormat => markdown(),
} as const

const CSV_COLUMNS = [
  'time',
  'conversation',
  'n',
  'channel',
  'kind',
  'contact',
  'name',
  'type',
  'role',
  'author',
  'text',
  'media',
] as const

function csvRecord(record: HistoryRecordView): string {
  const { at, conversation, n, channel, kind, contact, name = '', body } = record
  const { author, text } = wordsOfRecord(record)
  const role = String((body.by as { readonly role?: unknown } | undefined)?.role ?? '')
  const media = mediaOf(body).join(' ')
  return csvLine([
    instantText(at),
    conversation,
    String(n),
    channel,
    kind,
    contact,
    name,
    body.type,
    role,
    author,
    text,
    media,
  ])
}

/** References to files; the files themselves stay where they are. */
function mediaOf({ parts }: HistoryRecordView['body']): string[] {
  if (!Array.isArray(parts)) return []
  return parts.flatMap((part: { readonly media?: unknown }) => (typeof part.media === 'string' ? [part.media] : []))
}

/** A line as RFC 4180 has it. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/** What a table calculator would take for a formula gets an apostrophe in front, also in the full-width forms that some of them take for the usual ones. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Who and when as headings, what was said as quotations. Records of one conversation stand under one heading as long as no other comes between. */
function markdown(): ExportFormat {
  let conversation = ''
  return {
    head: '# Conversations\n',
    record(record) {
      const { at, n, channel, contact, name } = record
      const { author, text, isMessage } = wordsOfRecord(record)
      const isNew = record.conversation !== conversation
      conversation = record.conversation
      const who = name === undefined ? contact : `${name} (${contact})`
      const heading = isNew ? `\n## ${inline(who)} on ${inline(channel)}\n\n\`${conversation}\`\n` : ''
      const line = `\n**${inline(author)}** ${instantText(at)} · ${n}\n\n`
      const words = text.split('\n').map(inline)
      return `${heading}${line}${
        isMessage
          ? words
              .map(word => `> ${word}\\\n`)
              .join('')
              .replace(/\\\n$/, '\n')
          : `*${words.join(' ')}*\n`
      }`
    },
  }
}

/** Text that Markdown leaves as it is. */
function inline(text: string): string {
  return text.replace(/[\\`*_{}[\]<>()#+\-.!|~&$^:=]/g, character => `\\${character}`)
}
