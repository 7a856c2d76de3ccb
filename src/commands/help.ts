import { string as argument } from '@oclif/core/args'
import { BaseCommand } from './_cli/base-command.js'
import { COMMON_EXIT_CODES } from './_cli/exit-codes.js'
import { reportFailure } from './_cli/failure.js'

export default class HelpCommand extends BaseCommand {
  static override summary = 'show what there is, or the help of a command or a page'
  static override description =
    'The same as --help behind a command. The pages that belong to no command are listed by kefu help.'
  static override examples = [
    '<%= config.bin %> help',
    '<%= config.bin %> help daemon start',
    '<%= config.bin %> help exit-codes',
  ]
  static override args = { subject: argument({ ignoreStdin: true, description: 'a command, a topic or a page' }) }
  static override strict = false
  static override exitCodes = COMMON_EXIT_CODES

  async run(): Promise<object> {
    const { argv } = await this.parse(HelpCommand)
    const { default: KefuHelp } = await import('./_cli/help.js')
    const lines: string[] = []
    class Collected extends KefuHelp {
      protected override log(...texts: string[]): void {
        lines.push(...texts)
      }
    }
    await new Collected(this.config).showHelp(argv.map(String))
    const text = lines.join('\n')
    this.output.raw(`${text}\n`)
    return { help: text }
  }

  /** What is wrong is the command that help was asked for. */
  protected override catch(error: Error): Promise<void> {
    reportFailure(error, this.argv)
    return Promise.resolve()
  }
}
