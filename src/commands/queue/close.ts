import { boolean } from '@oclif/core/flags'
import { CONVERSATION, QueueCommand } from './_queue/queue-command.js'

export default class QueueClose extends QueueCommand {
  static override summary = 'close a conversation'
  static override description = 'The episode ends; when the contact writes again, a new one begins.'
  static override examples = ['<%= config.bin %> queue close c_01J9ZK4T7Q0000000000000000']
  static override args = { conversation: CONVERSATION }
  static override flags = { 'ask-rating': boolean({ summary: 'ask the contact for a rating' }) }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(QueueClose)
    return this.carryOut(args.conversation, { do: 'close', asksRating: flags['ask-rating'] ?? false }, 'Closed')
  }
}
