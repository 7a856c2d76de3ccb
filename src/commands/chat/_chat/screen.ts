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

/** A text that somebody said, where there is no record of it. */
export type SaidRow = {
  readonly n: number
  /** Epoch ms. */
  readonly at: number
  readonly author: string
  readonly text: string
  readonly isOwn: boolean
}

/** Where a chat is shown: for a person line by line above the prompt, for scripts as rows, with `--json` as events. */
export type Screen = {
  readonly isInteractive: boolean
  row(row: Row): void
  /** Not with `--json`. */
  said(row: SaidRow): void
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

  const shownTime = (at: number): string => styled(timeOf(at), 'dim', terminal)
  const shownSaid = (author: string, text: string, isOwn: boolean): string =>
    `${styled(author, isOwn ? 'green' : 'bold', terminal)}: ${indented(text)}`

  return {
    isInteractive: reader !== undefined,
    row({ event, text, mark, hasConversation }) {
      const { conversation, n, at, record, own, contact } = event
      if (mode === 'json') {
        const { type, ...fields } = record
        output.event({ type, conversation, n, at, own, ...(contact !== undefined && { contact }), ...fields })
      } else if (mode === 'plain') {
        const cells = [instantText(at), String(n), text.isNotice ? '' : text.author, text.text]
        print(plainRow(hasConversation ? [conversation, ...cells] : cells))
      } else {
        const place = mark === undefined ? '' : `${styled(mark, 'yellow', terminal)} `
        if (text.isNotice) print(`${shownTime(at)}  ${place}${styled(`— ${indented(text.text)}`, 'dim', terminal)}`)
        else print(`${shownTime(at)}  ${place}${shownSaid(text.author, text.text, own)}`)
      }
    },
    said({ n, at, author, text, isOwn }) {
      if (mode === 'plain') print(plainRow([instantText(at), String(n), author, text]))
      else if (mode === 'human') print(`${shownTime(at)}  ${shownSaid(author, text, isOwn)}`)
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

function plainRow(cells: readonly string[]): string {
  return cells.map(cell => cell.replaceAll('\n', ' ')).join('\t')
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n          ')
}

/** The time of today's records, date and time of older ones. */
function timeOf(at: number): string {
  const isToday = new Date(at).toDateString() === new Date().toDateString()
  return isToday ? new Date(at).toTimeString().slice(0, 8) : wordsOfInstant(at)
}
