import { ContactCommand } from './_contact/contact-command.js'
import { REF } from './_contact/views.js'

export default class ContactSplit extends ContactCommand {
  static override summary = 'make a contact somebody of its own again'
  static override description = 'Takes its conversation out of the person; the others stay the same person.'
  static override examples = ['<%= config.bin %> contact split app/user-42']
  static override args = { ref: REF }

  async run(): Promise<object> {
    const { args } = await this.parse(ContactSplit)
    const control = await this.control()
    return this.tell(await control.call('contact.split', { ref: args.ref }), 'Split')
  }
}
