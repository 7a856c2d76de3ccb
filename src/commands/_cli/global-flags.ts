import { boolean, custom, string } from '@oclif/core/flags'
import { parseDurationMs } from '../../daemon/config/units.js'
import { KefuError } from '../../errors.js'

const helpGroup = 'GLOBAL'

/** A flag with a duration (`500ms`, `30s`, `1h30m`); its value is in milliseconds. Other texts are a usage error. */
export const durationFlag = custom<number>({
  helpValue: '10s',
  parse: text => Promise.resolve(durationMs('duration', text)),
})

/** Flags that every command has. */
export const GLOBAL_FLAGS = {
  json: boolean({ helpGroup, summary: 'one JSON document; errors as one JSON line on stderr' }),
  home: string({
    helpGroup,
    helpValue: 'DIR',
    summary: 'folder of the daemon: settings, data, logs, socket (KEFU_HOME)',
  }),
  socket: string({ helpGroup, helpValue: 'PATH', summary: 'control socket of the daemon (KEFU_SOCKET)' }),
  config: string({ helpGroup, helpValue: 'FILE', summary: 'configuration file (KEFU_CONFIG)' }),
  plain: boolean({ helpGroup, summary: 'tab-separated rows, as when the output is piped' }),
  quiet: boolean({ helpGroup, char: 'q', summary: 'no notes, only answers and errors' }),
  'no-color': boolean({ helpGroup, summary: 'no colours (NO_COLOR)' }),
  'no-input': boolean({ helpGroup, summary: 'never ask; missing input is an error (KEFU_NO_INPUT)' }),
  timeout: durationFlag({ helpGroup, summary: 'how long to wait for an answer (KEFU_TIMEOUT)' }),
  debug: boolean({ helpGroup, summary: 'show causes and stacks of errors (KEFU_DEBUG)' }),
}

/** A duration that a person gave. Throws `KEFU_USAGE`. */
export function durationMs(name: string, text: string): number {
  const ms = parseDurationMs(text)
  if (ms !== undefined) return ms
  throw new KefuError('KEFU_USAGE', {
    reason: `the ${name} "${text.slice(0, 40)}" needs a unit, such as 500ms, 30s or 5m`,
  })
}
