import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { CONVERSATION } from './_queue/queue-command.js'
import { explanationFacts } from './_queue/views.js'

export default class QueueExplain extends BaseCommand {
  static override summary = 'say why a conversation has its agent, or why it waits'
  static override description =
    'What would be decided at this moment, what keeps each agent from it, and what was decided before with its reasons, the latest first.'
  static override examples = ['<%= config.bin %> queue explain c_01J9ZK4T7Q0000000000000000']
  static override args = { conversation: CONVERSATION }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(QueueExplain)
    const control = await this.control()
    const answer = await control.call('queue.explain', { conversation: args.conversation })
    this.output.facts(explanationFacts(answer))
    return answer
  }
}
