import { CONVERSATION, QueueCommand } from './_queue/queue-command.js'

export default class QueueRequeue extends QueueCommand {
  static override summary = 'put a conversation back into the line'
  static override description = 'At its old place: whoever has waited long does not wait again behind the others.'
  static override examples = ['<%= config.bin %> queue requeue c_01J9ZK4T7Q0000000000000000']
  static override args = { conversation: CONVERSATION }

  async run(): Promise<object> {
    const { args } = await this.parse(QueueRequeue)
    return this.carryOut(args.conversation, { do: 'requeue' }, 'Back in the line')
  }
}
