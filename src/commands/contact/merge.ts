import { KefuError } from '../../errors.js'
import { ContactCommand } from './_contact/contact-command.js'
import { REF } from './_contact/views.js'

export default class ContactMerge extends ContactCommand {
  static override summary = 'make contacts the same person'
  static override description =
    'Their conversations stay as they are, and agents who have one of them may read the others. Contacts that were merged with others before bring them along. ' +
    'A person has at most 64 conversations.'
  static override examples = [
    '<%= config.bin %> contact merge app/user-42 c_01J9ZK4T7Q0000000000000000',
    '<%= config.bin %> contact merge shop/v_1 shop/v_2 app/user-42',
  ]
  static override args = { ref: REF }
  static override strict = false

  async run(): Promise<object> {
    const { argv } = await this.parse(ContactMerge)
    const refs = argv.map(String)
    if (refs.length < 2) throw new KefuError('KEFU_USAGE', { reason: 'a merge needs two contacts or more' })
    const control = await this.control()
    const answer = await control.call('contact.merge', { refs })
    return this.tell(answer, `Merged ${refs.length} contacts into one person`)
  }
}
