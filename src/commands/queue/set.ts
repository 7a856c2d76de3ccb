import { option, string } from '@oclif/core/flags'
import { type Changes, PRIORITIES } from '../../codec/wire-commands.js'
import { KefuError } from '../../errors.js'
import { given, isEmpty } from '../_cli/given.js'
import { pairsOf, wholeNumber } from '../_cli/pairs.js'
import { CONVERSATION, QueueCommand } from './_queue/queue-command.js'

const many = { multiple: true, multipleNonGreedy: true } as const

export default class QueueSet extends QueueCommand {
  static override summary = 'change the facts that a conversation is routed by'
  static override description =
    'What is not named stays; an empty subject, language or team takes it away, and so does an empty --requires or --prefers. One that waits is looked at again ' +
    'at once; one that an agent has stays with the agent.'
  static override examples = [
    '<%= config.bin %> queue set c_01J9ZK4T7Q0000000000000000 --priority urgent --tag vip',
    '<%= config.bin %> queue set c_01J9ZK4T7Q0000000000000000 --requires french=3',
    '<%= config.bin %> queue set c_01J9ZK4T7Q0000000000000000 --prefers refunds',
    '<%= config.bin %> queue set c_01J9ZK4T7Q0000000000000000 --subject "" --untag new',
  ]
  static override args = { conversation: CONVERSATION }
  static override flags = {
    priority: option({ options: PRIORITIES, helpValue: 'PRIORITY', summary: PRIORITIES.join(', ') })(),
    subject: string({ helpValue: 'TEXT', summary: 'what it is about, up to 200 characters' }),
    language: string({ helpValue: 'TAG', summary: "the contact's language, such as zh or pt-BR" }),
    team: string({ helpValue: 'NAME', summary: 'team whose line it waits in' }),
    tag: string({ ...many, helpValue: 'WORD', summary: 'tag to add (may be given more than once)' }),
    untag: string({ ...many, helpValue: 'WORD', summary: 'tag to take away (may be given more than once)' }),
    requires: string({
      ...many,
      helpValue: 'SKILL=LEVEL',
      summary: 'skill that an agent must have, from 1 to 5, in place of those before (may be given more than once)',
    }),
    prefers: string({
      ...many,
      helpValue: 'SKILL',
      summary: 'skill that is welcome, in place of those before (may be given more than once)',
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(QueueSet)
    const { priority, subject, language, team, tag, untag, requires, prefers } = flags
    const set = given<Changes>({
      priority,
      subject,
      language,
      team,
      addTags: tag,
      removeTags: untag,
      requires: requires && levels(requires.filter(text => text !== '')),
      prefers: prefers?.filter(text => text !== ''),
    })
    if (isEmpty(set))
      throw new KefuError('KEFU_USAGE', { reason: 'there is nothing to change: give a flag (--help lists them)' })
    return this.carryOut(args.conversation, { do: 'update', set }, 'Changed')
  }
}

function levels(texts: readonly string[]): Readonly<Record<string, number>> {
  const skill = (text: string): string | undefined => (text === '' ? undefined : text)
  return pairsOf('requires', texts, skill, wholeNumber, 'french=3') as Readonly<Record<string, number>>
}
