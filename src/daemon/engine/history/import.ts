import { isDeepStrictEqual } from 'node:util'
import type { ConversationId } from '../../../codec/conversation-id.js'
import { isKefuError } from '../../../errors.js'
import { CHANNEL_KINDS, type Channel, type Head } from '../../core/model.js'
import type { LogPort } from '../../core/ports.js'
import type { RecordBody } from '../../core/records.js'
import { type ImportedRecord, importedRecord } from './body-schema.js'
import type { ReadingTurns } from './reading-turns.js'

/** What importing stands on. */
export type ImportPorts = {
  readonly log: Pick<LogPort, 'append' | 'head' | 'read'>
  readonly turns: ReadingTurns
  /** The channel of a name, if there is one. */
  channel(name: string): Channel | undefined
  conversationId(channel: number, contact: string): ConversationId
}

/** Why something was not imported: a line by its index, or what comes from record `n` of a conversation on. */
export type ImportProblem =
  | { readonly index: number; readonly reason: string }
  | { readonly conversation: string; readonly n: number; readonly records: number; readonly reason: string }

/** What became of lines: `imported` (with `dryRun`: would be), `present` (there already), and what was left out. */
export type ImportResult = {
  readonly imported: number
  readonly present: number
  readonly problems: readonly ImportProblem[]
}

/** What is asked: `channels` are names of the export and those that are meant here. */
export type ImportOptions = { readonly channels: ReadonlyMap<string, string>; readonly dryRun: boolean }

type Line = { readonly record: ImportedRecord; readonly channel: Channel }
/** The lines of one conversation, in order; `name` is what the export calls it. */
type Group = { readonly name: string; readonly conversation: ConversationId; readonly lines: Line[] }

const APPEND_LIMIT = 200

/**
 * Brings lines of an export into the log, in their order within each conversation, with their times and numbers. What is there already stays as it is and is compared:
 * a conversation that is otherwise, is open, or lacks what comes before is left as it is, and told. Repeating it changes nothing. Throws what the log throws; what
 * has been told before is durable then, and the same lines can be given again.
 */
export async function importLines(
  ports: ImportPorts,
  lines: readonly unknown[],
  options: ImportOptions,
): Promise<ImportResult> {
  const problems: ImportProblem[] = []
  const groups = new Map<ConversationId, Group>()
  for (const [index, line] of lines.entries()) {
    const parsed = importedRecord.safeParse(line)
    const found = parsed.success ? placeOf(ports, parsed.data as ImportedRecord, options) : complaintOf(parsed.error)
    if (typeof found === 'string') {
      problems.push({ index, reason: found })
      continue
    }
    const { record, channel } = found
    const conversation = ports.conversationId(channel.number, record.contact)
    const group = groups.get(conversation) ?? { name: record.conversation, conversation, lines: [] }
    groups.set(conversation, group)
    group.lines.push(found)
  }
  const results = await Promise.all([...groups.values()].map(group => importGroup(ports, group, options.dryRun)))
  for (const { problem } of results) if (problem !== undefined) problems.push(problem)
  const sum = (field: 'imported' | 'present'): number => results.reduce((total, result) => total + result[field], 0)
  return { imported: sum('imported'), present: sum('present'), problems }
}

/** The record as it belongs here, or why it does not. */
function placeOf(ports: ImportPorts, record: ImportedRecord, { channels }: ImportOptions): Line | string {
  const name = channels.get(record.channel) ?? record.channel
  const channel = ports.channel(name)
  if (channel === undefined) return `there is no channel "${name}"`
  if (channel.kind !== record.kind) return `the channel "${name}" is of kind ${channel.kind}, not ${record.kind}`
  if (record.forgotten) return 'its content was removed before it was exported'
  const { body } = record
  if ((body.type === 'opened') !== (record.n === 1)) return 'only the first record of a conversation opens it'
  if (body.type !== 'opened') return { record, channel }
  if (body.contact !== record.contact) return 'the first record is of another contact'
  const { egress } = CHANNEL_KINDS[channel.kind]
  return { record: { ...record, body: { ...body, channel: channel.number, kind: channel.kind, egress } }, channel }
}

async function importGroup(
  ports: ImportPorts,
  { name, conversation, lines }: Group,
  dryRun: boolean,
): Promise<{ imported: number; present: number; problem?: ImportProblem }> {
  const { log } = ports
  const counts = { imported: 0, present: 0 }
  const stop = (done: number, reason: string) => {
    const n = lines[done]!.record.n
    return { ...counts, problem: { conversation: name, n, records: lines.length - done, reason } }
  }
  const head = await log.head(conversation)
  const known = await compare(ports, conversation, head, lines)
  counts.present = known.present
  if (known.reason !== undefined) return stop(known.present, known.reason)
  if (known.present === lines.length) return counts
  if (head !== null && head.state !== 'closed') return stop(known.present, 'the conversation is open here')
  // Of a dry run nothing is there of earlier lines, which were looked at with others.
  let next = dryRun ? lines[known.present]!.record.n : (head?.n ?? 0) + 1
  for (let at = known.present; at < lines.length; ) {
    const chunk = contiguous(lines, at, next)
    if (chunk.length === 0) return stop(at, `what comes before it is missing: record ${next} is the next one here`)
    const bodies = chunk.map(({ record }) => record.body)
    const times = chunk.map(({ record }) => record.at)
    try {
      if (!dryRun) await log.append(conversation, bodies, { expect: next - 1, times })
    } catch (error) {
      if (isKefuError(error, 'KEFU_STORE_CONFLICT')) return stop(at, 'something was said here meanwhile')
      if (isKefuError(error, 'KEFU_MESSAGE_TOO_LARGE')) return stop(at, 'one of the next records is too large')
      throw error
    }
    counts.imported += chunk.length
    at += chunk.length
    next += chunk.length
  }
  return counts
}

/** How many of the first lines are in the log already, and why the one behind them cannot follow, if so. */
async function compare(
  { log, turns }: ImportPorts,
  conversation: ConversationId,
  head: Head | null,
  lines: readonly Line[],
): Promise<{ readonly present: number; readonly reason?: string }> {
  let present = 0
  while (head !== null && present < lines.length && lines[present]!.record.n <= head.n) {
    const first = lines[present]!.record.n
    const stored = await turns.take(() => log.read(conversation, first - 1, APPEND_LIMIT), new AbortController().signal)
    for (const record of stored) {
      const line = lines[present]?.record
      if (line === undefined) return { present }
      if (line.n !== record.n) return { present, reason: 'its records are not in order' }
      if (line.at !== record.at || !isDeepStrictEqual(line.body, record.body as RecordBody))
        return { present, reason: 'another record has its number here' }
      present++
    }
  }
  return { present }
}

/** The lines from one on that have the next numbers, as many as one append takes. */
function contiguous(lines: readonly Line[], from: number, next: number): readonly Line[] {
  let end = from
  while (end < lines.length && end - from < APPEND_LIMIT && lines[end]!.record.n === next + end - from) end++
  return lines.slice(from, end)
}

function complaintOf({
  issues,
}: {
  readonly issues: readonly { readonly path: PropertyKey[]; readonly message: string }[]
}): string {
  const [issue] = issues
  return `${issue?.path.join('.') || 'the line'}: ${issue?.message ?? 'not valid'}`.slice(0, 200)
}
