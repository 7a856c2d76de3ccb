import { custom, option, string } from '@oclif/core/flags'
import { HISTORY_TYPES } from '../../../daemon/control/history-vocabulary.js'
import { instantOf } from '../../_cli/instant.js'

/** A flag with an instant; its value is in epoch ms. */
const instant = custom<number, { readonly flag: string }>({
  helpValue: 'TIME',
  parse: (text, _, { flag }) => Promise.resolve(instantOf(flag, text, Date.now())),
})

/** From when on. */
export const SINCE = instant({ flag: 'since', summary: 'from when: 2h, today, yesterday 09:00, 2026-11-16' })
/** Until when. */
export const UNTIL = instant({ flag: 'until', summary: 'until when' })
/** Of one channel. */
export const CHANNEL_FILTER = string({ helpValue: 'NAME', summary: 'only of this channel' })
/** Of one agent. */
export const AGENT_FILTER = string({ helpValue: 'NAME', summary: 'only what this agent did or got' })
/** Of some types. */
export const TYPE_FILTER = option({
  options: HISTORY_TYPES,
  multiple: true,
  delimiter: ',',
  helpValue: 'TYPE',
  summary: 'only records of these types, such as message,note,rated',
})()
