import type { Delivery } from '../../emulator/core/pusher.js'
import type { SentMessage } from '../../emulator/core/send-log.js'
import { oneLine } from '../_cli/terminal.js'
import { wordsOfCount } from '../_cli/words.js'

const TEXT_SHOWN = 200

/** What a user said, or what reached one: when, and kind, user, direction, what, how it went. Nothing in it steers a terminal. */
export type EmulatorRow = { readonly at: number; readonly cells: readonly string[] }

/** The row of a push. */
export function rowOfDelivery(kind: string, { at, user, what, fault, state, attempts }: Delivery): EmulatorRow {
  const last = attempts.at(-1)
  const why = last?.failure ?? (last === undefined ? '' : `answered ${last.status}`)
  const tried = attempts.length > 1 ? `, ${wordsOfCount(attempts.length, 'attempt')}` : ''
  const result = state === 'failed' ? `failed: ${why}${tried}` : `${state}${tried}`
  return row(at, kind, user, '→', fault === undefined ? what : `${what} (${fault})`, result)
}

/** The row of a message to a user. */
export function rowOfSent(kind: string, { at, user, type, text }: SentMessage): EmulatorRow {
  const characters = [...oneLine(text)]
  const isShort = characters.length <= TEXT_SHOWN
  return row(at, kind, user, '←', type, isShort ? text : `${characters.slice(0, TEXT_SHOWN - 1).join('')}…`)
}

function row(at: number, ...cells: readonly string[]): EmulatorRow {
  return { at, cells: cells.map(oneLine) }
}
