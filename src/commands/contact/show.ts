import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { REF, showContact } from './_contact/views.js'

export default class ContactShow extends BaseCommand {
  static override summary = 'show a contact'
  static override description =
    'Who it is on its channel, what is known of it, and all conversations of the same person, the latest activity first.'
  static override examples = [
    '<%= config.bin %> contact show c_01J9ZK4T7Q0000000000000000',
    '<%= config.bin %> contact show app/user-42',
  ]
  static override args = { ref: REF }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(ContactShow)
    const control = await this.control()
    const answer = await control.call('contact.show', { ref: args.ref })
    await showContact(this.output, answer.contact)
    return answer
  }
}
