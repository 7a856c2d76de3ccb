import type { LogEntry } from '../../core/ports.js'

/** What records are counted by. */
export type StatsGroup = 'day' | 'hour' | 'channel' | 'type' | 'agent' | 'role'

/** How many records have these values; a group that says nothing of a record has an empty one. */
export type StatsRow = {
  readonly key: readonly string[]
  readonly records: number
  readonly messages: number
  readonly bytes: number
}

/** Counts records by groups. */
export type StatsCount = {
  add(entry: LogEntry): void
  /** By their keys, ascending. */
  rows(): StatsRow[]
  /** Records that had no room: there are more different keys than are kept. */
  readonly omitted: number
}

/** Different keys that are kept: more than anybody reads, and what fits into one line of an answer. */
export const STATS_ROWS_LIMIT = 3_000

/** What groups are named by. `offsetMinutes`: how far the days are from those of UTC. */
export type StatsNames = {
  channel(number: number): string
  agent(id: string): string
  readonly offsetMinutes: number
}

/** An empty count. */
export function createStatsCount(groups: readonly StatsGroup[], names: StatsNames): StatsCount {
  const rows = new Map<string, { readonly key: readonly string[]; records: number; messages: number; bytes: number }>()
  let omitted = 0
  return {
    get omitted() {
      return omitted
    },
    add(entry) {
      const key = groups.map(group => groupOf(group, entry, names))
      const id = key.join('\n')
      let row = rows.get(id)
      if (row === undefined) {
        if (rows.size >= STATS_ROWS_LIMIT) {
          omitted++
          return
        }
        row = { key, records: 0, messages: 0, bytes: 0 }
        rows.set(id, row)
      }
      row.records++
      row.bytes += entry.record.bytes.length
      if (entry.record.body.type === 'message') row.messages++
    },
    rows: () => [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
  }
}

function groupOf(group: StatsGroup, { record, head }: LogEntry, names: StatsNames): string {
  const { at, body } = record
  const by = 'by' in body ? body.by : undefined
  switch (group) {
    case 'day':
      return localText(at, names).slice(0, 10)
    case 'hour':
      return localText(at, names).slice(0, 13).replace('T', ' ')
    case 'channel':
      return names.channel(head.channel)
    case 'type':
      return body.type
    case 'agent':
      return by?.role === 'agent' && by.id !== undefined ? names.agent(by.id) : ''
    case 'role':
      return by?.role ?? ''
    default:
      return group satisfies never
  }
}

function localText(at: number, { offsetMinutes }: StatsNames): string {
  return new Date(at + offsetMinutes * 60_000).toISOString()
}
