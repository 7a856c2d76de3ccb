import type { DaemonStatus, SearchStatusView } from '../../daemon/control/client.js'
import { OUTBOX_STANDINGS } from '../../daemon/control/outbox-vocabulary.js'
import type { Fact } from './output.js'
import { groupDigits, wordsOfCount, wordsOfDuration, wordsOfNumber, wordsOfOutbox, wordsOfSize } from './words.js'

/** The first line of a status: which daemon, how long, which process and version. */
export function statusLine({ home, state, ready, notReady, uptimeMs, pid, version }: DaemonStatus): string {
  const refusal = ready || notReady === null ? '' : ` · not ready: ${notReady}`
  return `kefu ${home} · ${state} ${wordsOfDuration(uptimeMs)}${refusal} · pid ${pid} · ${version}`
}

function readyFact({ ready, notReady }: DaemonStatus): Fact {
  return ['ready', ready ? 'yes' : `no ${notReady ?? ''}`.trimEnd(), ready ? 'yes' : `no · ${notReady ?? 'starting'}`]
}

/** The process itself: where it listens, what it runs on, how it fares. */
export function processFacts(status: DaemonStatus): Fact[] {
  const { address, eventLoopDelay, store } = status
  return [
    ['state', status.state],
    readyFact(status),
    ['pid', String(status.pid)],
    ['version', status.version],
    ['node', status.node],
    ['uptime', `${Math.round(status.uptimeMs / 1000)}s`, wordsOfDuration(status.uptimeMs)],
    ['home', status.home],
    ['http', address.http ?? '', address.http ?? '–'],
    ['socket', address.socket ?? '', address.socket ?? '–'],
    ['transport', status.transport ?? '', status.transport ?? '–'],
    ['store', `${store.engine} ${store.state}`, `${store.engine} · ${store.state} · format ${store.format}`],
    [
      'event loop delay',
      `${eventLoopDelay.p50Ms} ${eventLoopDelay.p99Ms} ${eventLoopDelay.maxMs}`,
      `p50 ${eventLoopDelay.p50Ms} ms · p99 ${eventLoopDelay.p99Ms} ms · max ${eventLoopDelay.maxMs} ms`,
    ],
    ['memory', String(status.rssBytes), wordsOfSize(status.rssBytes)],
  ]
}

/** The service on one screen. */
export function serviceFacts(status: DaemonStatus): Fact[] {
  const { connections, store } = status
  return [
    ['state', status.state],
    readyFact(status),
    ['address', status.address.http ?? '', status.address.http ?? 'not listening'],
    ['channels', String(status.channels), wordsOfCount(status.channels, 'channel')],
    [
      'agents',
      `${status.agents} ${connections.agents}`,
      `${wordsOfCount(status.agents, 'agent')} · ${wordsOfCount(connections.agents, 'connection')}`,
    ],
    ['queue', `${status.waiting} ${status.active}`, `${status.waiting} waiting · ${status.active} assigned`],
    trafficFact(status),
    [
      'connections',
      `${connections.open} ${connections.visitors} ${connections.agents} ${connections.apps} ${connections.limit}`,
      `${groupDigits(connections.open)} of ${groupDigits(connections.limit)} open: ${wordsOfCount(connections.visitors, 'visitor')}, ${wordsOfCount(connections.agents, 'agent')}, ${wordsOfCount(connections.apps, 'app')}`,
    ],
    ...outboxFact(status),
    searchFact(status.search),
    [
      'store',
      `${store.state} ${store.records} ${store.sizeBytes}`,
      `${store.state} · ${wordsOfCount(store.records, 'record')} · ${wordsOfSize(store.sizeBytes)}`,
    ],
  ]
}

/** How the index of the history stands. */
export function searchFact({ state, lag, docs, bytes }: SearchStatusView): Fact {
  const words = [
    state,
    wordsOfCount(docs, 'text'),
    wordsOfSize(bytes),
    ...(lag > 0 ? [`${wordsOfCount(lag, 'record')} behind`] : []),
  ]
  return ['search', `${state} ${lag} ${docs} ${bytes}`, words.join(' · ')]
}

/** Nothing for those who have no platform. */
function outboxFact({ outbox }: DaemonStatus): Fact[] {
  const counts = OUTBOX_STANDINGS.map(state => outbox[state])
  return counts.some(count => count > 0) ? [['outbox', counts.join(' '), wordsOfOutbox(outbox)]] : []
}

/** What went in and out lately. */
function trafficFact({ traffic }: DaemonStatus): Fact {
  const { seconds, inPerSecond, outPerSecond, deliverP50Ms, deliverP99Ms } = traffic
  const rates = `${wordsOfNumber(inPerSecond)}/s in · ${wordsOfNumber(outPerSecond)}/s out`
  const latency = deliverP99Ms > 0 ? ` · delivered p50 ${deliverP50Ms} ms, p99 ${deliverP99Ms} ms` : ''
  return [
    'traffic',
    `${inPerSecond} ${outPerSecond} ${deliverP50Ms} ${deliverP99Ms}`,
    `${rates}${latency} (last ${wordsOfDuration(seconds * 1_000)})`,
  ]
}

/** What to do next, given how it stands. */
export function nextStep({ channels, agents, store, outbox }: DaemonStatus): string {
  if (store.state === 'damaged') return 'kefu store check --deep'
  if (channels === 0) return 'kefu channel add web NAME --origin URL'
  if (agents === 0) return 'kefu agent add NAME'
  if (outbox.dead > 0) return 'kefu outbox list --state dead'
  return 'kefu daemon logs -f'
}
