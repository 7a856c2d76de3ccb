import { option, string } from '@oclif/core/flags'
import { HOOK_EVENTS } from '../../../daemon/control/hook-vocabulary.js'

const many = { multiple: true, multipleNonGreedy: true } as const

/** Flags that say what a hook is told of. */
export const SCOPE_FLAGS = {
  event: option({
    options: [...HOOK_EVENTS],
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
