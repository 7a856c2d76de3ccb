import { option, string } from '@oclif/core/flags'
import { RECORD_TYPES } from '../../../daemon/control/hook-vocabulary.js'

const many = { multiple: true, multipleNonGreedy: true } as const

/** Names of the record types, as a hook can be told of them. */
const TYPES = Object.keys(RECORD_TYPES) as (keyof typeof RECORD_TYPES)[]

/** Flags that say what a hook is told of. */
export const SCOPE_FLAGS = {
  event: option({
    options: TYPES,
    ...many,
    helpValue: 'TYPE',
    summary: 'type of record it is told of (may be given more than once); all unless told otherwise',
  })(),
  channel: string({
    ...many,
    helpValue: 'NAME',
    summary: 'channel it is told of (may be given more than once); all unless told otherwise',
  }),
}
