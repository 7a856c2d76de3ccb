import type { ContactView } from '../../../daemon/control/client.js'
import { BaseCommand } from '../../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../../_cli/exit-codes.js'
import { showContact } from './views.js'

/** What commands that change a contact share: they say what became of it. */
export abstract class ContactCommand extends BaseCommand {
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  /** `done` says what was done, as a sentence. */
  protected async tell(answer: { contact: ContactView; changed: boolean }, done: string): Promise<object> {
    this.output.line(answer.changed ? `${done}.` : 'Unchanged: it is so already.')
    await showContact(this.output, answer.contact)
    if (this.output.mode === 'plain') this.output.facts([['result', answer.changed ? 'changed' : 'unchanged']])
    this.output.note(`Next: kefu contact show ${answer.contact.conversation}`)
    return answer
  }
}
