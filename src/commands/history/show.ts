import { boolean, integer } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { CHANNEL, CONVERSATION, refOf } from './_history/conversation-args.js'
import { passOn } from './_history/pass-on.js'

export default class HistoryShow extends BaseCommand {
  static override summary = 'show what was said in a conversation'
  static override description =
    'The newest messages, in order; with --after those behind a number. With --all-records also everything else that happened: who got it and why, ' +
    'notes, deliveries. With --json one JSON object per line.'
  static override examples = [
    '<%= config.bin %> history show c_01J9ZK4T7Q0000000000000000 --limit 20',
    '<%= config.bin %> history show user-42 --channel app --all-records',
    '<%= config.bin %> history show app/user-42 -f',
  ]
  static override args = { conversation: CONVERSATION }
  static override flags = {
    channel: CHANNEL,
    limit: integer({ min: 1, max: 1_000_000, helpValue: 'N', summary: 'how many at most (100)' }),
    after: integer({ min: 0, helpValue: 'N', summary: 'only what comes behind record N, the first of it' }),
    before: integer({ min: 1, helpValue: 'N', summary: 'only what comes before record N' }),
    'all-records': boolean({ default: false, summary: 'also what is no message' }),
    follow: boolean({ char: 'f', default: false, summary: 'go on with what is said, until Ctrl-C' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 16 as const]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HistoryShow)
    const { channel, limit, after, before, follow, 'all-records': all } = flags
    if (follow && before !== undefined) throw new KefuError('KEFU_USAGE', { reason: 'either --follow or --before' })
    const control = await this.control(follow ? { signal: this.interrupt } : {})
    const request = {
      ref: refOf(args.conversation, channel),
      ...{ all, follow },
      ...(limit !== undefined && { limit }),
      ...(after !== undefined && { after }),
      ...(before !== undefined && { before }),
    }
    try {
      if (this.jsonEnabled()) {
        await passOn(control.lines('history.show', request))
        return
      }
      const { createRecordLines } = await import('./_history/record-lines.js')
      const lines = createRecordLines(this.output, { withPlace: false })
      let count = 0
      for await (const record of control.stream('history.show', request)) {
        lines.write(record)
        count++
      }
      if (count === 0) this.output.note('No such records.')
    } catch (error) {
      // Ctrl-C is how following ends.
      if (!follow || !this.interrupt.aborted) throw error
    }
  }
}
