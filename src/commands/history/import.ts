import { stat } from 'node:fs/promises'
import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { createProgress } from '../_cli/progress.js'
import { wordsOfCount } from '../_cli/words.js'

const PARTLY_DONE = 4
/** Problems that are told with their sentences. */
const TOLD = 20

export default class HistoryImport extends BaseCommand {
  static override summary = 'bring what was exported into the log'
  static override description =
    'Reads what kefu history export wrote as ndjson: records keep their times and numbers. Channels are found by their names (--map for others). Conversations that were ' +
    'brought in are closed: nobody is given them, and nothing goes out. What is there already is compared and stays; a conversation that is otherwise, or open, is left ' +
    'as it is and named (exit code 4). It can be repeated, and goes on where it was interrupted.'
  static override examples = [
    '<%= config.bin %> history import all.ndjson --dry-run',
    '<%= config.bin %> history import all.ndjson --map shop=shop-archive',
    'zstd -dc all.ndjson.zst | <%= config.bin %> history import -',
  ]
  static override args = {
    file: argument({ required: true, ignoreStdin: true, description: 'an export as ndjson; - is standard input' }),
  }
  static override flags = {
    map: string({ multiple: true, helpValue: 'OLD=NEW', summary: 'channel OLD of the export is channel NEW here' }),
    'dry-run': boolean({ default: false, summary: 'say what would be brought in, and change nothing' }),
  }
  static override exitCodes = [
    ...COMMON_EXIT_CODES,
    ...DAEMON_EXIT_CODES,
    4 as const,
    14 as const,
    16 as const,
    130 as const,
  ]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(HistoryImport)
    const { file } = args
    const channels = Object.fromEntries((flags.map ?? []).map(pairOf))
    const dryRun = flags['dry-run']
    const [{ runImport }, { importLinesOf }] = await Promise.all([
      import('./_history/import-run.js'),
      import('./_history/import-lines.js'),
    ])
    const control = await this.control({ signal: this.interrupt })
    const totalBytes = file === '-' ? undefined : (await stat(file).catch(() => undefined))?.size
    const progress = createProgress(this.output, 'byte')
    const lines = importLinesOf(file, bytes => {
      if (totalBytes !== undefined) progress.update(bytes, totalBytes)
    })
    const summary = await runImport({ control, channels, dryRun }, lines).finally(() => progress.end())
    const { imported, present, leftOut, problemCount, problems, isComplete } = summary
    for (const problem of problems.slice(0, TOLD)) {
      const where =
        'line' in problem
          ? `line ${problem.line}`
          : `${problem.conversation} from record ${problem.n} on (${wordsOfCount(problem.records, 'record')} and what follows)`
      this.output.warn(`left out: ${where}: ${problem.reason}`)
    }
    if (problemCount > TOLD) this.output.warn(`${problemCount - TOLD} more were left out`)
    if (!isComplete) this.output.warn('the file has no end: the export was interrupted, or is still being written')
    if (leftOut > 0) process.exitCode = PARTLY_DONE
    const done = `${wordsOfCount(imported, 'record')} ${dryRun ? 'would be imported' : 'imported'}`
    this.output.line(`${done}, ${present} there already, ${leftOut} left out.`)
    if (this.output.mode === 'plain')
      this.output.facts([
        ['imported', String(imported)],
        ['present', String(present)],
        ['left out', String(leftOut)],
      ])
    return { dryRun, ...summary }
  }
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)]
  throw new KefuError('KEFU_USAGE', { reason: `--map "${text.slice(0, 80)}" is not OLD=NEW` })
}
