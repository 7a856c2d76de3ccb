import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { givenText, TEXT_FLAGS } from '../_cli/text-input.js'
import { cannedFacts, SHORTCUT, warnOfRemovedTeams } from './_canned/views.js'

export default class CannedSet extends BaseCommand {
  static override summary = 'change the texts or the team of a canned reply'
  static override description =
    'The text replaces that of the same language, or is added to it; without --language it is the one of no language. What is not named stays. ' +
    '--remove-text takes the text of --language away; the last one stays.'
  static override examples = [
    "<%= config.bin %> canned set hi '您好{contact}，请问有什么可以帮您？' --language zh",
    '<%= config.bin %> canned set hi --remove-text --language fr',
    '<%= config.bin %> canned set terms --from-file terms.txt',
    '<%= config.bin %> canned set terms --no-team',
  ]
  static override args = {
    shortcut: SHORTCUT,
    text: argument({ ignoreStdin: true, description: 'what is sent' }),
  }
  static override flags = {
    ...TEXT_FLAGS,
    language: string({ helpValue: 'TAG', summary: 'language of the text, such as zh or en-GB' }),
    'remove-text': boolean({ summary: 'take the text of that language away', exclusive: ['from-file', 'stdin'] }),
    team: string({ helpValue: 'TEAM', summary: 'only its members are offered it' }),
    'no-team': boolean({ summary: 'everybody is offered it', exclusive: ['team'] }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(CannedSet)
    const { language } = flags
    const isRemoved = flags['remove-text']
    if (isRemoved && args.text !== undefined)
      throw new KefuError('KEFU_USAGE', {
        reason: '--remove-text takes away the text of --language: give no other text',
      })
    const given = isRemoved ? null : await givenText({ argument: args.text, ...flags })
    const team = flags['no-team'] ? null : flags.team
    if (given === undefined && language !== undefined)
      throw new KefuError('KEFU_USAGE', { reason: '--language needs a text, or --remove-text' })
    if (given === undefined && team === undefined)
      throw new KefuError('KEFU_USAGE', {
        reason: 'there is nothing to change: give a text or a flag (--help lists them)',
      })
    const control = await this.control()
    const answer = await control.call('canned.set', {
      name: args.shortcut,
      ...(given === undefined ? {} : { texts: [{ language: language ?? '', text: given }] }),
      ...(team === undefined ? {} : { team }),
    })
    const { reply, changed } = answer
    this.output.line(changed ? `Changed canned reply ${reply.name}.` : `Canned reply ${reply.name} is unchanged.`)
    this.output.facts([...cannedFacts(reply), ['result', changed ? 'changed' : 'unchanged']])
    warnOfRemovedTeams(this.output, [reply])
    this.output.note(`Next: kefu canned show ${reply.name}`)
    return answer
  }
}
