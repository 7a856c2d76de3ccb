import type { SlowConsumerView } from '../../daemon/control/client.js'
import type { Distribution } from '../../daemon/control/metrics-interval.js'
import { OUTBOX_STANDINGS } from '../../daemon/control/outbox-vocabulary.js'
import { fold, type Part, section } from '../_cli/fold.js'
import { type Column, renderTable } from '../_cli/table.js'
import { oneLine, type Terminal } from '../_cli/terminal.js'
import { groupDigits, wordsOfCount, wordsOfDuration, wordsOfNumber, wordsOfSize } from '../_cli/words.js'
import { type Moment, oldestMs } from './moment.js'

const SLOW_COLUMNS: readonly Column[] = [
  { header: 'SLOW' },
  { header: 'WHO', isFlexible: true },
  { header: 'FOR', align: 'right' },
  { header: 'BUFFERED', align: 'right' },
]

const OUTBOX_COLUMNS: readonly Column[] = [
  { header: 'OUTBOX', isFlexible: true },
  ...OUTBOX_STANDINGS.map(state => ({ header: state.toUpperCase(), align: 'right' as const })),
]

/** A moment as a person reads it: which daemon, sections, then the slow consumers and the lanes of the outbox; `notes` end the first line. Nothing is wider than the terminal. */
export async function renderPanel(moment: Moment, notes: readonly string[], terminal: Terminal): Promise<string> {
  const text = [
    ...fold([...daemonParts(moment), ...notes.map((note): Part => [note])], '', terminal).map(line => `${line}\n`),
    section('TRAFFIC', trafficParts(moment), terminal),
    section('LATENCY', latencyParts(moment), terminal),
    section('STORE', storeParts(moment), terminal),
    section('PROCESS', processParts(moment), terminal),
    section('SOCKETS', socketParts(moment), terminal),
    section('QUEUE', queueParts(moment), terminal),
  ].join('')
  const { slow, outbox } = moment.reading
  const tables: string[] = []
  if (slow.worst.length > 0) tables.push(await renderTable(SLOW_COLUMNS, slow.worst.map(slowRow), terminal))
  if (outbox.length > 0) tables.push(await renderTable(OUTBOX_COLUMNS, outbox.map(laneRow), terminal))
  return [text, ...tables].join('\n')
}

function daemonParts({ interval, reading: { home, state, uptimeMs, pid, version } }: Moment): Part[] {
  return [
    [`kefu ${oneLine(home)}`],
    [`${state} ${wordsOfDuration(uptimeMs)}`],
    [`pid ${pid}`],
    [version],
    [interval.isFromStart ? 'since its start' : `last ${wordsOfDuration(interval.seconds * 1_000)}`],
  ]
}

function trafficParts({ interval: { perSecond } }: Moment): Part[] {
  const { contacts, agents, apps, out, caughtUp, refused, errors } = perSecond
  return [
    [`in ${rate(perSecond.in)}`],
    [`contacts ${rate(contacts)}`],
    [`agents ${rate(agents)}`],
    [`apps ${rate(apps)}`],
    [`out ${rate(out)}`],
    ...(caughtUp > 0 ? ([[`catching up ${rate(caughtUp)}`]] satisfies Part[]) : []),
    attention(`refused ${rate(refused)}`, refused > 0),
    attention(`errors ${rate(errors)}`, errors > 0),
  ]
}

function latencyParts({ interval: { append, deliver, eventLoop } }: Moment): Part[] {
  return [
    [`append ${distribution(append)}`],
    [`deliver ${distribution(deliver)}`],
    [`event loop ${distribution(eventLoop)}`],
  ]
}

function storeParts({ interval, reading: { store } }: Moment): Part[] {
  return [
    attention(store.state, store.state !== 'ready'),
    [`commits ${rate(interval.perSecond.commits)}`],
    [`${wordsOfNumber(interval.recordsPerCommit)} records each`],
    [wordsOfCount(store.records, 'record')],
    [wordsOfSize(store.sizeBytes)],
  ]
}

function processParts({ interval, reading }: Moment): Part[] {
  return [[`cpu ${Math.round(interval.cpu * 100)} % of a core`], [`memory ${wordsOfSize(reading.rssBytes)}`]]
}

function socketParts({ reading: { sockets, slow } }: Moment): Part[] {
  const { open, visitors, agents, apps, limit } = sockets
  return [
    [`${groupDigits(open)} of ${groupDigits(limit)}`],
    [wordsOfCount(visitors, 'visitor')],
    [wordsOfCount(agents, 'agent')],
    [wordsOfCount(apps, 'app')],
    attention(wordsOfCount(slow.count, 'slow consumer'), slow.count > 0),
  ]
}

function queueParts(moment: Moment): Part[] {
  const { waiting, bot, active, snoozed, agentsOnline } = moment.reading.queue
  const oldest = oldestMs(moment)
  const since = oldest === undefined ? '' : `, oldest ${wordsOfDuration(Math.floor(oldest / 1_000) * 1_000)}`
  return [
    [`${groupDigits(waiting)} waiting${since}`],
    ...(bot > 0 ? ([[`${groupDigits(bot)} with bots`]] satisfies Part[]) : []),
    [`${groupDigits(active)} assigned`],
    [`${groupDigits(snoozed)} snoozed`],
    [`${wordsOfCount(agentsOnline, 'agent')} online`],
  ]
}

function slowRow({ role, name, forMs, bufferedBytes }: SlowConsumerView): string[] {
  return [role, oneLine(name), wordsOfDuration(forMs), wordsOfSize(bufferedBytes)]
}

function laneRow({ channel, totals }: Moment['reading']['outbox'][number]): string[] {
  return [oneLine(channel), ...OUTBOX_STANDINGS.map(state => groupDigits(totals[state]))]
}

function attention(text: string, isWanted: boolean): Part {
  return isWanted ? [text, 'yellow'] : [text]
}

function distribution({ count, p50, p99, max }: Distribution): string {
  return count === 0 ? '–' : `p50 ${wordsOfNumber(p50)} p99 ${wordsOfNumber(p99)} max ${wordsOfNumber(max)} ms`
}

function rate(perSecond: number): string {
  return `${wordsOfNumber(perSecond)}/s`
}
