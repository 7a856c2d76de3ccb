import type { ControlClient } from '../../../daemon/control/client.js'
import { IMPORT_LINES_LIMIT } from '../../../daemon/control/history-vocabulary.js'
import { KefuError } from '../../../errors.js'
import type { ImportLine } from './import-lines.js'

/** What was left out: a line of the file, or a conversation from one of its records on. */
export type ImportProblem =
  | { readonly line: number; readonly reason: string }
  | { readonly conversation: string; readonly n: number; readonly records: number; readonly reason: string }

/** What became of a file. `problems` are the first ones, `problemCount` all of them; `isComplete`: it has the end that an export writes. */
export type ImportSummary = {
  readonly imported: number
  readonly present: number
  readonly leftOut: number
  readonly problemCount: number
  readonly problems: readonly ImportProblem[]
  readonly isComplete: boolean
}

/** How it is imported. */
export type ImportRun = {
  readonly control: Pick<ControlClient, 'call'>
  readonly channels: Readonly<Record<string, string>>
  readonly dryRun: boolean
}

/** Half of what one request to the control socket takes. */
const BATCH_LENGTH = 512 * 1024
const KEPT_PROBLEMS = 1_000

/** Sends the records of an export to the daemon, some hundred at a time. Throws `KEFU_USAGE` for an export that was redacted or is of a later version, and what the daemon throws. */
export async function runImport(
  { control, channels, dryRun }: ImportRun,
  lines: AsyncIterable<ImportLine>,
): Promise<ImportSummary> {
  const problems: ImportProblem[] = []
  // Told once, however many batches its records are in.
  const stuck = new Set<string>()
  let [imported, present, leftOut, problemCount, isComplete] = [0, 0, 0, 0, false]
  let batch: { readonly number: number; readonly value: unknown }[] = []
  let length = 0

  const note = (problem: ImportProblem): void => {
    problemCount++
    if (problems.length < KEPT_PROBLEMS) problems.push(problem)
  }
  const send = async (): Promise<void> => {
    if (batch.length === 0) return
    const sent = batch
    batch = []
    length = 0
    const answer = await control.call('history.import', { lines: sent.map(({ value }) => value), channels, dryRun })
    imported += answer.imported
    present += answer.present
    for (const problem of answer.problems) {
      if ('index' in problem) {
        leftOut++
        note({ line: sent[problem.index]?.number ?? 0, reason: problem.reason })
        continue
      }
      leftOut += problem.records
      if (stuck.has(problem.conversation)) continue
      stuck.add(problem.conversation)
      note(problem)
    }
  }

  for await (const line of lines) {
    if ('reason' in line) {
      leftOut++
      note({ line: line.number, reason: line.reason })
      continue
    }
    const type = typeOf(line.value)
    if (type === 'export') checkHead(line.value)
    isComplete = type === 'end'
    if (type === 'export' || type === 'end') continue
    const size = JSON.stringify(line.value).length
    if (length + size > BATCH_LENGTH || batch.length === IMPORT_LINES_LIMIT) await send()
    batch.push(line)
    length += size
  }
  await send()
  return { imported, present, leftOut, problemCount, problems, isComplete }
}

function checkHead(value: unknown): void {
  const { version, redacted } = value as { readonly version?: unknown; readonly redacted?: unknown }
  if (redacted !== undefined)
    throw new KefuError('KEFU_USAGE', { reason: 'the export was redacted: what was said is not in it any more' })
  if (version !== 1)
    throw new KefuError('KEFU_USAGE', { reason: 'the export is of a version that this kefu does not know' })
}

function typeOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
}
