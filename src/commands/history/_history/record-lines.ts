import type { HistoryRecordView } from '../../../daemon/control/client.js'
import type { Output } from '../../_cli/output.js'
import { displayWidth } from '../../_cli/table.js'
import { oneLine, styled } from '../../_cli/terminal.js'
import { instantText } from '../../_cli/words.js'
import { wordsOfRecord } from './record-words.js'

const AUTHOR_WIDTH = 12

/** Writes records as people or scripts read them, one after the other. */
export type RecordLines = { write(record: HistoryRecordView): void }

/** `withPlace`: records of several conversations, so each says where it belongs. */
export function createRecordLines(output: Output, { withPlace }: { readonly withPlace: boolean }): RecordLines {
  let day = ''
  return {
    write(record) {
      const { at, n, conversation, channel, contact, name, body } = record
      const { author, text, isMessage } = wordsOfRecord(record)
      if (output.mode === 'plain') {
        const role = String((body.by as { readonly role?: unknown } | undefined)?.role ?? '')
        const place = withPlace ? [conversation, channel, contact] : []
        const cells = [instantText(at), ...place, String(n), body.type, role, author, text]
        output.raw(`${cells.map(oneLine).join('\t')}\n`)
        return
      }
      const local = new Date(at)
      const today = dayOf(local)
      if (today !== day) output.raw(`${styled(today, 'bold', output.terminal)}\n`)
      day = today
      const place = withPlace ? `${oneLine(channel)} · ${oneLine(name ?? contact)}  ` : ''
      const pad = ' '.repeat(Math.max(0, AUTHOR_WIDTH - displayWidth(author)))
      const head = `  ${local.toTimeString().slice(0, 8)}  ${place}${author}${pad}  `
      const [first = '', ...more] = text.split('\n')
      const indent = ' '.repeat(displayWidth(head))
      const lines = [head + first, ...more.map(line => indent + line)].join('\n')
      output.raw(`${isMessage ? lines : styled(lines, 'dim', output.terminal)}\n`)
    },
  }
}

function dayOf(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}
