import type { Interface } from 'node:readline'
import type { RecordEvent } from '../../../client/index.js'
import type { Output } from '../../_cli/output.js'
import { styled } from '../../_cli/terminal.js'
import { instantText, wordsOfInstant } from '../../_cli/words.js'
import type { RecordText } from './record-text.js'

/** A record to be shown. */
export type Row = {
  readonly event: RecordEvent
  readonly text: RecordText
  /** Agents: the conversation's number in the list, when it is not the one on the screen. */
  readonly mark: string | undefined
  /** Whether rows name their conversation. */
  readonly hasConversation: boolean
}

/** Where a chat is shown: for a person line by line above the prompt, for scripts as rows, with `--json` as events. */
export type Screen = {
  readonly isInteractive: boolean
  row(row: Row): void
  /** What kefu says about itself: the connection, what was sent. Not part of the answer. */
  note(text: string): void
  /** An event of `--json`. */
  event(value: object): void
}

/** A screen over a command's output. With a `reader` the prompt and what is being typed stay below what is shown. */
export function createScreen(output: Output, reader: Interface | undefined): Screen {
  const { terminal, mode } = output

  function print(text: string): void {
    if (reader === undefined) {
      output.raw(`${text}\n`)
      return
    }
    // Over the prompt and what is typed, which may have wrapped. The empty rows are for readline: it goes up as many before it writes them again.
    const { rows } = reader.getCursorPos()
    const up = rows > 0 ? `\u001b[${rows}A` : ''
    output.raw(`${up}\r\u001b[J${text}\n${'\n'.repeat(rows)}`)
    reader.prompt(true)
  }

  return {
    isInteractive: reader !== undefined,
    row({ event, text, mark, hasConversation }) {
      const { conversation, n, at, record, own, contact } = event
      if (mode === 'json') {
        const { type, ...fields } = record
        output.event({ type, conversation, n, at, own, ...(contact !== undefined && { contact }), ...fields })
      } else if (mode === 'plain') {
        const cells = [instantText(at), String(n), text.isNotice ? '' : text.author, text.text]
        print((hasConversation ? [conversation, ...cells] : cells).map(cell => cell.replaceAll('\n', ' ')).join('\t'))
      } else {
        const time = styled(timeOf(at), 'dim', terminal)
        const place = mark === undefined ? '' : `${styled(mark, 'yellow', terminal)} `
        const lines = text.text.replaceAll('\n', '\n          ')
        if (text.isNotice) print(`${time}  ${place}${styled(`— ${lines}`, 'dim', terminal)}`)
        else print(`${time}  ${place}${styled(text.author, own ? 'green' : 'bold', terminal)}: ${lines}`)
      }
    },
    note(text) {
      if (reader !== undefined) print(styled(text, 'dim', terminal))
      else output.note(text)
    },
    event(value) {
      output.event(value)
    },
  }
}

/** The time of today's records, date and time of older ones. */
function timeOf(at: number): string {
  const isToday = new Date(at).toDateString() === new Date().toDateString()
  return isToday ? new Date(at).toTimeString().slice(0, 8) : wordsOfInstant(at)
}
