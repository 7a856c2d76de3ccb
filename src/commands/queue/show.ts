import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { CONVERSATION } from './_queue/queue-command.js'
import { entryFacts } from './_queue/views.js'

export default class QueueShow extends BaseCommand {
  static override summary = 'show a conversation'
  static override description =
    'Everything that is known of it, open or closed: where it stands, its contact, tags, episode and last message.'
  static override examples = ['<%= config.bin %> queue show c_01J9ZK4T7Q0000000000000000']
  static override args = { conversation: CONVERSATION }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(QueueShow)
    const control = await this.control()
    const answer = await control.call('queue.show', { conversation: args.conversation })
    this.output.facts(entryFacts(answer.conversation, Date.now()))
    return answer
  }
}
