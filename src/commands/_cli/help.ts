import { CommandHelp, Help, type HelpSectionRenderer } from '@oclif/core/help'
import { KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import { EXIT_CODES, type ExitCode } from './exit-codes.js'
import { HELP_TOPICS } from './help-topics.js'

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

  override async showHelp(argv: string[]): Promise<void> {
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

  /** oclif says only that it is not found. */
  #checkSubject(argv: readonly string[]): void {
    const subject = argv.find(word => !word.startsWith('-'))
    if (subject === undefined) return
    const known = [...this.config.commandIDs, ...this.config.topics.map(topic => topic.name)].map(
      id => id.split(':')[0]!,
    )
    if (known.includes(subject.split(':')[0]!)) return
    const near = suggestion(subject, [...known, ...Object.keys(HELP_TOPICS)])
    throw new KefuError('KEFU_USAGE', { reason: `there is no help for "${subject.slice(0, 80)}"${near}` })
  }
}
