import { string } from '@oclif/core/flags'
import { CONVERSATION, QueueCommand } from './_queue/queue-command.js'

export default class QueueAssign extends QueueCommand {
  static override summary = 'give a conversation to an agent'
  static override description =
    'At once, whoever has it and whatever skills it asks for. The agent must be online and have room.'
  static override examples = ['<%= config.bin %> queue assign c_01J9ZK4T7Q0000000000000000 --agent xiaowang']
  static override args = { conversation: CONVERSATION }
  static override flags = { agent: string({ required: true, helpValue: 'NAME', summary: 'who gets it' }) }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(QueueAssign)
    const { agent } = flags
    return this.carryOut(args.conversation, { do: 'assign', agent }, `Assigned to ${agent}`)
  }
}
