import { instantText } from '../_cli/words.js'
import { type Moment, oldestMs } from './moment.js'

type Field = readonly [header: string, value: (moment: Moment) => string | number]

const FIELDS: readonly Field[] = [
  ['time', ({ atMs }) => instantText(atMs)],
  ['in/s', ({ interval }) => tenths(interval.perSecond.in)],
  ['out/s', ({ interval }) => tenths(interval.perSecond.out)],
  ['refused/s', ({ interval }) => tenths(interval.perSecond.refused)],
  ['errors/s', ({ interval }) => tenths(interval.perSecond.errors)],
  ['append_p50_ms', ({ interval }) => hundredths(interval.append.p50)],
  ['append_p99_ms', ({ interval }) => hundredths(interval.append.p99)],
  ['deliver_p50_ms', ({ interval }) => hundredths(interval.deliver.p50)],
  ['deliver_p99_ms', ({ interval }) => hundredths(interval.deliver.p99)],
  ['commits/s', ({ interval }) => tenths(interval.perSecond.commits)],
  ['records/commit', ({ interval }) => tenths(interval.recordsPerCommit)],
  ['cpu_%', ({ interval }) => tenths(interval.cpu * 100)],
  ['rss_mib', ({ reading }) => Math.round(reading.rssBytes / 2 ** 20)],
  ['loop_p99_ms', ({ interval }) => hundredths(interval.eventLoop.p99)],
  ['sockets', ({ reading }) => reading.sockets.open],
  ['slow', ({ reading }) => reading.slow.count],
  ['waiting', ({ reading }) => reading.queue.waiting],
  ['oldest_s', moment => Math.floor((oldestMs(moment) ?? 0) / 1_000)],
  ['assigned', ({ reading }) => reading.queue.active],
  ['agents', ({ reading }) => reading.queue.agentsOnline],
  ['outbox', moment => inOutbox(moment, ['due', 'retrying', 'sending', 'parked'])],
  ['outbox_failed', moment => inOutbox(moment, ['unknown', 'dead'])],
]

/** The names of the fields of a row. */
export const ROW_HEADER = FIELDS.map(([header]) => header).join('\t')

/** A moment on one line. */
export function momentRow(moment: Moment): string {
  return FIELDS.map(([, value]) => value(moment)).join('\t')
}

type Standing = keyof Moment['reading']['outbox'][number]['totals']

/** Messages of all lanes that stand in some places. */
function inOutbox({ reading }: Moment, states: readonly Standing[]): number {
  return reading.outbox.reduce((sum, { totals }) => sum + states.reduce((own, state) => own + totals[state], 0), 0)
}

function tenths(value: number): number {
  return Number(value.toFixed(1))
}

function hundredths(value: number): number {
  return Number(value.toFixed(2))
}
