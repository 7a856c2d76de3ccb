import { string } from '@oclif/core/flags'
import type { Changes } from '../../codec/wire-commands.js'
import { KefuError } from '../../errors.js'
import { given, isEmpty } from '../_cli/given.js'
import { pairsOf } from '../_cli/pairs.js'
import { ContactCommand } from './_contact/contact-command.js'
import { REF } from './_contact/views.js'

export default class ContactSet extends ContactCommand {
  static override summary = 'change what is known of a contact'
  static override description =
    'What is not named stays; an empty value takes away. A person has these facts for each of its contacts.'
  static override examples = [
    '<%= config.bin %> contact set app/user-42 --name 李雷 --language zh',
    '<%= config.bin %> contact set app/user-42 --attribute tier=gold --attribute city=',
  ]
  static override args = { ref: REF }
  static override flags = {
    name: string({ helpValue: 'TEXT', summary: "the contact's name, up to 100 characters" }),
    language: string({ helpValue: 'TAG', summary: "the contact's language, such as zh or pt-BR" }),
    attribute: string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'KEY=VALUE',
      summary: 'a fact about the contact (may be given more than once)',
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ContactSet)
    const { name, language, attribute } = flags
    const attributes =
      attribute &&
      pairsOf(
        'attribute',
        attribute,
        key => (key === '' ? undefined : key),
        value => value,
        'tier=gold',
      )
    const set = given<Pick<Changes, 'name' | 'language' | 'attributes'>>({
      name,
      language,
      attributes: attributes as Changes['attributes'],
    })
    if (isEmpty(set))
      throw new KefuError('KEFU_USAGE', { reason: 'there is nothing to change: give a flag (--help lists them)' })
    const control = await this.control()
    return this.tell(await control.call('contact.set', { ref: args.ref, set }), 'Changed')
  }
}
