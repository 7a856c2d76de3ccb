import { boolean, option, string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { REDACTION_NAMES } from '../../history/redact.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { createProgress } from '../_cli/progress.js'
import { wordsOfCount, wordsOfDuration } from '../_cli/words.js'
import { CHANNEL_FILTER, SINCE, TYPE_FILTER, UNTIL } from './_history/filters.js'

export default class HistoryExport extends BaseCommand {
  static override summary = 'write what was said, or some of it, to a file'
  static override description =
    'In the order in which it was stored, up to now. ndjson has everything, and is what kefu history import reads; csv is for spreadsheets (with --bom for Excel), ' +
    'markdown for reading. Files that were sent are named, not copied. At its end the export says the cursor behind which a later one goes on; one that was interrupted says ' +
    'the cursor behind its last record.'
  static override examples = [
    '<%= config.bin %> history export --output all.ndjson',
    '<%= config.bin %> history export --format csv --bom --since 7d -o week.csv',
    '<%= config.bin %> history export --contact user-42 --format markdown',
    '<%= config.bin %> history export --redact phone,email,id-card -o safe.ndjson',
    '<%= config.bin %> history export --after 0:18402 -o later.ndjson',
  ]
  static override flags = {
    format: option({
      options: ['ndjson', 'csv', 'markdown'] as const,
      default: 'ndjson' as const,
      summary: 'how it is written',
    })(),
    output: string({ char: 'o', default: '-', helpValue: 'FILE', summary: 'where it goes; - is standard output' }),
    channel: CHANNEL_FILTER,
    contact: string({ helpValue: 'ID', summary: 'only of the contact with this id, on the channel or on any' }),
    conversation: string({ helpValue: 'ID', exclusive: ['contact'], summary: 'only of this conversation' }),
    type: TYPE_FILTER,
    since: SINCE,
    until: UNTIL,
    after: string({ helpValue: 'CURSOR', summary: 'go on behind an earlier export' }),
    redact: option({
      options: REDACTION_NAMES,
      multiple: true,
      delimiter: ',',
      helpValue: 'KIND',
      summary: `what is taken out of all words: ${REDACTION_NAMES.join(', ')}`,
    })(),
    bom: boolean({ default: false, summary: 'with a mark at the top that lets Excel read Chinese (csv)' }),
  }
  static override exitCodes = [
    ...COMMON_EXIT_CODES,
    ...DAEMON_EXIT_CODES,
    13 as const,
    14 as const,
    16 as const,
    130 as const,
  ]

  async run(): Promise<object | undefined> {
    const { flags } = await this.parse(HistoryExport)
    const { format, output, redact = [], bom, channel, contact, conversation, type, since, until, after } = flags
    if (bom && format !== 'csv') throw new KefuError('KEFU_USAGE', { reason: '--bom goes with --format csv' })
    const request = {
      ...(channel !== undefined && { channel }),
      ...(contact !== undefined && { contact }),
      ...(conversation !== undefined && { conversation }),
      ...(type !== undefined && { types: type }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      ...(after !== undefined && { after }),
    }
    const [{ createExportWriter }, { toFile, toStdout }] = await Promise.all([
      import('./_history/export-writer.js'),
      import('./_history/export-file.js'),
    ])
    const control = await this.control({ signal: this.interrupt })
    const chunks = control.lines('history.export', request)[Symbol.asyncIterator]()
    // What the daemon refuses leaves no file behind.
    let next = await chunks.next()
    const isFile = output !== '-'
    const target = isFile ? await toFile(output) : toStdout()
    const writer = createExportWriter({ format, redactions: redact, hasByteOrderMark: bom, target })
    const progress = createProgress(this.output, 'position')
    const started = performance.now()
    try {
      await writer.begin()
      while (!next.done) {
        await writer.take(next.value, progress.update)
        next = await chunks.next()
      }
      if (writer.end === undefined) throw new KefuError('KEFU_DISCONNECTED', { reason: 'the export has no end' })
      await target.complete()
    } catch (error) {
      progress.end()
      await chunks.return?.()
      const partial = await target.leave().catch(() => undefined)
      const where = partial === undefined ? '' : `; ${partial} has ${wordsOfCount(writer.records, 'record')}`
      if (writer.last !== undefined) this.output.warn(`Incomplete${where}. Go on with --after ${writer.last}`)
      throw error
    }
    progress.end()
    const { records } = writer
    const { cursor } = writer.end
    const words = `${wordsOfCount(records, 'record')} in ${wordsOfDuration(performance.now() - started)}`
    this.output.note(`${words}. What comes later: kefu history export --after ${cursor}`)
    // The records are the answer where they go to standard output.
    return isFile ? { file: output, format, records, cursor } : undefined
  }
}
