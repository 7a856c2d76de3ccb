import { string as argument } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { CHECK_ANSWER_MS } from '../../daemon/control/channel-vocabulary.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { given } from '../_cli/given.js'
import type { ListColumn } from '../_cli/output.js'

type Step = {
  readonly step: string
  readonly result: string
  readonly reason?: string | undefined
  readonly nextStep?: string | undefined
}

const COLUMNS: readonly ListColumn<Step>[] = [
  { key: 'step', header: 'STEP', plain: ({ step }) => step },
  { key: 'result', header: 'RESULT', plain: ({ result }) => result },
  { key: 'reason', header: 'WHY', plain: ({ reason }) => reason ?? '', isFlexible: true },
  { key: 'nextStep', header: 'WHAT TO DO', plain: ({ nextStep }) => nextStep ?? '', isFlexible: true },
]

export default class ChannelTest extends BaseCommand {
  static override summary = 'have a channel check itself against its platform'
  static override description =
    'Makes and verifies a signature with its own secrets, fetches a token, and says of everything that fails what to change. With --send-to it sends a text to a contact, past the outbox. ' +
    'Ends with 3 when a step failed.'
  static override examples = [
    '<%= config.bin %> channel test wechat-main',
    '<%= config.bin %> channel test wechat-main --send-to oUser1 --text 你好',
    '<%= config.bin %> channel test wechat-main --json | jq .steps',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the channel' }) }
  static override flags = {
    'send-to': string({ helpValue: 'CONTACT', summary: "send a text to a contact, by the platform's id" }),
    text: string({ dependsOn: ['send-to'], summary: 'what to send' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 3 as const, 13 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ChannelTest)
    const control = await this.control()
    const request = {
      name: args.name,
      ...given({ sendTo: flags['send-to'], text: flags.text }),
    }
    const timeoutMs = this.timeoutMs(CHECK_ANSWER_MS)
    const answer = await control.call('channel.test', request, { timeoutMs })
    await this.output.list(COLUMNS, answer.steps)
    this.output.line(answer.ok ? `Channel ${answer.channel} works.` : `Channel ${answer.channel} does not work.`)
    if (!answer.ok) process.exitCode = 3
    return answer
  }
}
