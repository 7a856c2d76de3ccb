import type { AnswerOf, HistoryRecordView } from '../../../daemon/control/client.js'
import { type Redaction, redactValue } from '../../../history/redact.js'
import type { ExportTarget } from './export-file.js'
import { EXPORT_FORMATS } from './export-formats.js'

/** How an export is written. */
export type ExportOptions = {
  readonly format: 'ndjson' | 'csv' | 'markdown'
  readonly redactions: readonly Redaction[]
  readonly hasByteOrderMark: boolean
  readonly target: Pick<ExportTarget, 'write'>
}

type End = Extract<AnswerOf<'history.export'>, { readonly type: 'end' }>

/** Writes what the daemon tells of an export. */
export type ExportWriter = {
  /** Writes what stands at the top. */
  begin(): Promise<void>
  /** Writes the records of whole lines; how far the daemon is goes to `onProgress`. */
  take(lines: Buffer, onProgress: (done: number, total: number) => void): Promise<void>
  /** How many have been written. */
  readonly records: number
  /** The cursor behind the last of them, if there are any. */
  readonly last: string | undefined
  /** How it ended, when it did. */
  readonly end: End | undefined
}

/** Version of the lines. */
const NDJSON_VERSION = 1
const LINE_FEED = 0x0a
/** The first letter of the type of a line: records are not looked into where they go on as they are. */
const TYPE_AT = '{"type":"'.length
const RECORD = 'r'.charCodeAt(0)

/** A writer of one export. */
export function createExportWriter({ format, redactions, hasByteOrderMark, target }: ExportOptions): ExportWriter {
  const words =
    format === 'csv'
      ? EXPORT_FORMATS.csv(hasByteOrderMark)
      : format === 'markdown'
        ? EXPORT_FORMATS.markdown()
        : undefined
  const isPassedOn = words === undefined && redactions.length === 0
  let records = 0
  let last: string | undefined
  let end: End | undefined

  const recordOf = (line: Buffer): HistoryRecordView => {
    const record: unknown = JSON.parse(line.toString('utf8'))
    return (redactions.length === 0 ? record : redactValue(record, redactions)) as HistoryRecordView
  }

  return {
    get records() {
      return records
    },
    get last() {
      return last
    },
    get end() {
      return end
    },
    async begin() {
      const line = { type: 'export', version: NDJSON_VERSION, ...(redactions.length > 0 && { redacted: redactions }) }
      await target.write(Buffer.from(words?.head ?? `${JSON.stringify(line)}\n`))
    },
    async take(lines, onProgress) {
      let text = ''
      let passed = 0
      let lastLine: Buffer | undefined
      for (let at = 0; at < lines.length; ) {
        const next = lines.indexOf(LINE_FEED, at) + 1
        const line = lines.subarray(at, next)
        if (line[TYPE_AT] === RECORD) {
          records++
          lastLine = line
          if (words !== undefined) text += words.record(recordOf(line))
          else if (!isPassedOn) text += `${JSON.stringify(recordOf(line))}\n`
        } else {
          if (isPassedOn && at > passed) await target.write(lines.subarray(passed, at))
          passed = next
          const event = JSON.parse(line.toString('utf8')) as Exclude<AnswerOf<'history.export'>, HistoryRecordView>
          if (event.type === 'progress') onProgress(event.done, event.total)
          else end = event
        }
        at = next
      }
      if (isPassedOn && passed < lines.length) await target.write(lines.subarray(passed))
      if (text !== '') await target.write(Buffer.from(text))
      if (lastLine !== undefined) last = `0:${(JSON.parse(lastLine.toString('utf8')) as HistoryRecordView).seq}`
      if (end !== undefined && words === undefined)
        await target.write(Buffer.from(`${JSON.stringify({ ...end, records })}\n`))
    },
  }
}
