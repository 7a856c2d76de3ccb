import { string as argument } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { isConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'

/** The argument of commands about one conversation. */
export const CONVERSATION = argument({
  required: true,
  ignoreStdin: true,
  description: "id of the conversation, channel/contact, or with --channel the contact's id",
})

/** The channel of a contact that is named by its id there. */
export const CHANNEL = string({ helpValue: 'NAME', summary: 'the channel whose contact is meant' })

/** What names the conversation to the daemon. Throws `KEFU_USAGE`. */
export function refOf(conversation: string, channel: string | undefined): string {
  if (channel === undefined) return conversation
  if (!isConversationId(conversation)) return `${channel}/${conversation}`
  throw new KefuError('KEFU_USAGE', {
    reason: '--channel goes with the id of a contact, not with that of a conversation',
  })
}
