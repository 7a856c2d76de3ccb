import { boolean, integer } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { followLog, lastLines } from '../_cli/log-reader.js'

const USUAL_COUNT = 20

export default class DaemonLogs extends BaseCommand {
  static override summary = 'show the log of a daemon in the background'
  static override description =
    'Each line is a JSON object with time, level and event. With --json every line is one object: lines of a crash, which are no JSON, become {"type":"text"}.'
  static override examples = [
    '<%= config.bin %> daemon logs',
    '<%= config.bin %> daemon logs -n 200 | grep daemon.warning',
    '<%= config.bin %> daemon logs -f',
  ]
  static override flags = {
    follow: boolean({ char: 'f', summary: 'go on with what is written, until Ctrl-C' }),
    count: integer({ char: 'n', min: 0, max: 100_000, helpValue: 'N', summary: 'how many lines (20)' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, 12 as const, 13 as const]

  async run(): Promise<void> {
    const { flags } = await this.parse(DaemonLogs)
    const show = (line: string): void => this.#show(line)
    const { lines, position } = await lastLines(this.dirs.logFile, flags.count ?? USUAL_COUNT)
    for (const line of lines) show(line)
    if (flags.follow) await followLog(this.dirs.logFile, position, show, this.interrupt)
  }

  #show(line: string): void {
    if (this.output.mode !== 'json') {
      this.output.raw(`${line}\n`)
      return
    }
    this.output.event(asObject(line) ?? { type: 'text', text: line })
  }
}

function asObject(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value, type: 'log' } : undefined
  } catch {
    // A line of a crash.
    return undefined
  }
}
