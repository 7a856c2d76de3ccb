import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { AGENT_FILTER, CHANNEL_FILTER, SINCE, TYPE_FILTER } from './_history/filters.js'
import { passOn } from './_history/pass-on.js'

export default class HistoryTail extends BaseCommand {
  static override summary = 'follow everything that happens in conversations'
  static override description =
    'Each record as it is stored, until Ctrl-C; with --since first what was stored from then on. With --json one JSON object per line.'
  static override examples = [
    '<%= config.bin %> history tail --type message',
    '<%= config.bin %> history tail --channel shop --since 10m',
    '<%= config.bin %> history tail --agent xiaowang --json',
  ]
  static override flags = { channel: CHANNEL_FILTER, agent: AGENT_FILTER, type: TYPE_FILTER, since: SINCE }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 16 as const]

  async run(): Promise<void> {
    const { flags } = await this.parse(HistoryTail)
    const { channel, agent, type, since } = flags
    const control = await this.control({ signal: this.interrupt })
    const request = {
      ...(channel !== undefined && { channel }),
      ...(agent !== undefined && { agent }),
      ...(type !== undefined && { types: type }),
      ...(since !== undefined && { since }),
    }
    try {
      if (this.jsonEnabled()) {
        await passOn(control.lines('history.tail', request))
        return
      }
      const { createRecordLines } = await import('./_history/record-lines.js')
      const lines = createRecordLines(this.output, { withPlace: true })
      for await (const record of control.stream('history.tail', request)) lines.write(record)
    } catch (error) {
      // Ctrl-C is how it ends.
      if (!this.interrupt.aborted) throw error
    }
  }
}
