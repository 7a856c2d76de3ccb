import { CommandHelp, Help, type HelpSectionRenderer } from '@oclif/core/help'
import { EXIT_CODES, type ExitCode } from './exit-codes.js'
import { HELP_TOPICS } from './help-topics.js'
import { unknownCommand } from './unknown-command.js'

/** oclif's help for a command: a short usage line, the description without the summary above it, and the exit codes. */
class KefuCommandHelp extends CommandHelp {
  protected override sections(): { header: string; generate: HelpSectionRenderer }[] {
    const { exitCodes = [] } = this.command as { readonly exitCodes?: readonly ExitCode[] }
    const codes = [...exitCodes].sort((a, b) => a - b)
    const generate: HelpSectionRenderer = (_, header) => ({
      header,
      body: codes.map((code): [string, string] => [String(code), EXIT_CODES[code]]),
    })
    return [...super.sections(), { header: 'EXIT CODES', generate }]
  }

  protected override defaultUsage(): string {
    const { id, args } = this.command
    const names = Object.values(args).map(({ name, required }) => {
      const word = name.toUpperCase()
      return required ? word : `[${word}]`
    })
    return [id, ...names, '[FLAGS]'].join(' ')
  }

  protected override description(): string | undefined {
    const { description } = this.command
    return description === undefined ? undefined : this.wrap(description)
  }
}

/** oclif's help, with pages that belong to no command: `kefu help exit-codes`, `kefu help environment`, `kefu help formats`. */
export default class KefuHelp extends Help {
  protected override CommandHelpClass = KefuCommandHelp

  override async showHelp(given: string[]): Promise<void> {
    const [first, second] = given
    // `kefu help daemon --help` asks for the same as without the second one.
    const argv = first === 'help' && second !== undefined && !second.startsWith('-') ? given.slice(1) : given
    const own = argv[0] === 'help' ? this.config.findCommand('help') : undefined
    if (own !== undefined) {
      await this.showCommandHelp(own)
      return
    }
    const page = Object.hasOwn(HELP_TOPICS, argv[0] ?? '')
      ? HELP_TOPICS[argv[0] as keyof typeof HELP_TOPICS]
      : undefined
    if (page !== undefined && argv.every(word => word === argv[0] || word.startsWith('-'))) {
      this.log(await page.text())
      return
    }
    this.#checkSubject(argv)
    await super.showHelp(argv)
  }

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp()
    const pages = Object.entries(HELP_TOPICS).map(([name, { summary }]): [string, string] => [name, summary])
    this.log(this.section('PAGES (kefu help NAME)', pages))
    this.log('')
  }

  /** What is no command is refused as it is without `help`; oclif would name it in its own form, and nothing near. */
  #checkSubject(argv: readonly string[]): void {
    const end = argv.findIndex(word => word.startsWith('-'))
    const words = (end < 0 ? argv : argv.slice(0, end)).flatMap(word => word.split(':'))
    if (words.length === 0 || this.config.findTopic(words.join(':')) !== undefined) return
    for (let length = words.length; length > 0; length--) {
      const command = this.config.findCommand(words.slice(0, length).join(':'))
      // What follows a command may be its arguments: `kefu agent add li --help`.
      if (command !== undefined && (length === words.length || Object.keys(command.args).length > 0)) return
    }
    throw unknownCommand(words, this.config, Object.keys(HELP_TOPICS))
  }
}
