import { string as argument } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { givenText, TEXT_FLAGS } from '../_cli/text-input.js'
import { cannedFacts, SHORTCUT } from './_canned/views.js'

export default class CannedAdd extends BaseCommand {
  static override summary = 'add a canned reply'
  static override description =
    'Agents are offered it in their chat and send it by its shortcut. {contact} and {agent} in the text become their names when it is used. Without --language the ' +
    'text is for everybody whose language has none. Up to 4,000 characters; the same reply again is unchanged.'
  static override examples = [
    "<%= config.bin %> canned add hi 'Hello {contact}, this is {agent}. How can I help?'",
    "<%= config.bin %> canned add hi-zh '您好{contact}，请问有什么可以帮您？' --language zh",
    '<%= config.bin %> canned add terms --from-file terms.txt --team refunds',
    '<%= config.bin %> canned add terms --stdin --language en <terms.txt',
  ]
  static override args = {
    shortcut: SHORTCUT,
    text: argument({ ignoreStdin: true, description: 'what is sent' }),
  }
  static override flags = {
    ...TEXT_FLAGS,
    language: string({ helpValue: 'TAG', summary: 'language of the text, such as zh or en-GB' }),
    team: string({ helpValue: 'TEAM', summary: 'only its members are offered it' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(CannedAdd)
    const { language = '', team } = flags
    const text = await givenText({ argument: args.text, ...flags })
    if (text === undefined)
      throw new KefuError('KEFU_USAGE', {
        reason: 'a canned reply needs a text: as an argument, with --from-file or with --stdin',
      })
    const control = await this.control()
    const answer = await control.call('canned.add', {
      name: args.shortcut,
      texts: [{ language, text }],
      ...(team === undefined ? {} : { team }),
    })
    const { reply, changed } = answer
    this.output.line(changed ? `Added canned reply ${reply.name}.` : `Canned reply ${reply.name} exists: unchanged.`)
    this.output.facts([...cannedFacts(reply), ['result', changed ? 'added' : 'unchanged']])
    this.output.note(`Next: kefu canned set ${reply.name} TEXT --language TAG, or /r ${reply.name} in kefu chat agent`)
    return answer
  }
}
