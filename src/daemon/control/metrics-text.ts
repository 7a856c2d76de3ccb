import { HOOK_STATES } from './hook-vocabulary.js'
import type { MetricsReading } from './metrics-schemas.js'

/** One number of a metric: which one, and how much. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

type Metric = {
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  samples(reading: MetricsReading): readonly Sample[]
}

type Channel = MetricsReading['channels'][number]
type Hook = MetricsReading['hooks'][number]
type Bot = MetricsReading['bots'][number]

/**
 * What a reading says to Prometheus. Labels are words of this table, and names that an operator has given to channels, hooks and bots, so many at most as the
 * reading has: never contacts, conversations, addresses or reasons.
 */
export const METRICS: readonly Metric[] = [
  gauge('kefu_uptime_seconds', 'Time since the start.', ({ uptimeMs }) => only(uptimeMs / 1_000)),
  counter('kefu_messages_accepted_total', 'Messages of clients on disk, by who wrote them.', ({ accepted }) =>
    by('writer', accepted),
  ),
  counter('kefu_records_delivered_total', 'Records sent to sockets, as they came or from the log.', ({ delivered }) =>
    by('way', { live: delivered.live, log: delivered.caughtUp }),
  ),
  counter('kefu_frames_refused_total', 'Frames of clients refused because of a limit.', ({ refused }) => only(refused)),
  counter('kefu_errors_total', 'Other errors told to clients.', ({ errors }) => only(errors)),
  gauge('kefu_sockets', 'Open sockets by role.', ({ sockets: { visitors, agents, apps, open } }) =>
    by('role', { visitor: visitors, agent: agents, app: apps, none: Math.max(0, open - visitors - agents - apps) }),
  ),
  gauge('kefu_slow_consumers', 'Sessions that read too slowly.', ({ slow }) => only(slow.count)),
  gauge('kefu_queue_conversations', 'Open conversations by state.', ({ queue }) =>
    by('state', { waiting: queue.waiting, bot: queue.bot, active: queue.active, snoozed: queue.snoozed }),
  ),
  gauge('kefu_agents_online', 'Agents online.', ({ queue }) => only(queue.agentsOnline)),
  gauge('kefu_store_ready', 'Whether the store takes messages.', ({ store }) => only(store.state === 'ready')),
  gauge('kefu_store_records', 'Records in the store.', ({ store }) => only(store.records)),
  gauge('kefu_store_size_bytes', 'Size of the store.', ({ store }) => only(store.sizeBytes)),
  counter('kefu_store_commits_total', 'Commits to disk.', ({ store }) => only(store.commits)),
  gauge('kefu_search_ready', 'Whether the index of the history is up to date.', ({ search }) =>
    only(search.state === 'ready'),
  ),
  gauge('kefu_search_lag_records', 'Records that the index of the history does not have yet.', ({ search }) =>
    only(search.lag),
  ),
  gauge('kefu_search_index_size_bytes', 'Size of the index of the history.', ({ search }) => only(search.bytes)),
  gauge('kefu_search_documents', 'Records that can be found.', ({ search }) => only(search.docs)),
  counter('kefu_search_requests_total', 'Searches in the history.', ({ search }) => only(search.searches)),
  counter('kefu_search_restarts_total', 'Times that the thread which searches began anew.', ({ search }) =>
    only(search.restarts),
  ),
  counter('kefu_process_cpu_seconds_total', 'CPU time of all threads.', ({ cpuUs }) => only(cpuUs / 1e6)),
  gauge('kefu_process_resident_memory_bytes', 'Resident memory.', ({ rssBytes }) => only(rssBytes)),

  ofChannels(
    'counter',
    'kefu_channel_events_received_total',
    'Events of the platform on disk.',
    c => c.counts.received,
  ),
  ofChannels(
    'counter',
    'kefu_channel_events_duplicate_total',
    'Events that had come before.',
    c => c.counts.duplicates,
  ),
  ofChannels(
    'counter',
    'kefu_channel_callbacks_refused_total',
    'Callbacks that were not signed by the platform.',
    c => c.counts.refused,
  ),
  ofChannels(
    'counter',
    'kefu_channel_callbacks_deferred_total',
    'Callbacks that were told to come again.',
    c => c.counts.deferred,
  ),
  ofChannels('gauge', 'kefu_channel_callbacks_in_flight', 'Callbacks on their way to disk.', c => c.inFlight),
  ofChannels(
    'counter',
    'kefu_channel_messages_sent_total',
    'Messages that the platform has taken.',
    c => c.counts.sent,
  ),
  ofChannels(
    'counter',
    'kefu_channel_messages_retried_total',
    'Attempts that follow a failure.',
    c => c.counts.retried,
  ),
  ofChannels('counter', 'kefu_channel_messages_failed_total', 'Messages that were given up.', c => c.counts.failed),
  ofChannels('counter', 'kefu_channel_messages_unknown_total', 'Messages that may be sent.', c => c.counts.unknown),
  ofChannels('gauge', 'kefu_channel_conversations_sending', 'Conversations that are sent to.', c => c.sending),
  ofChannels(
    'counter',
    'kefu_channel_files_fetched_total',
    'Files fetched from the platform.',
    c => c.counts.filesFetched,
  ),
  ofChannels('counter', 'kefu_channel_files_lost_total', 'Files that could not be fetched.', c => c.counts.filesLost),
  gauge('kefu_channel_outbox_messages', 'Messages in the outbox by where they stand.', ({ channels }) =>
    channels.flatMap(({ channel, outbox }) => by('state', { ...outbox }, { channel })),
  ),
  gauge('kefu_channel_paused', 'Whether an operator has paused a way of the channel.', ({ channels }) =>
    channels.flatMap(({ channel, isInPaused, isOutPaused }): Sample[] => [
      [{ channel, way: 'in' }, Number(isInPaused)],
      [{ channel, way: 'out' }, Number(isOutPaused)],
    ]),
  ),
  ofChannels(
    'gauge',
    'kefu_channel_resting_since_timestamp_seconds',
    'Since when nothing goes out, as the platform refuses everything or wants less; 0 while it goes.',
    c => (c.restingSince ?? 0) / 1_000,
  ),

  ofHooks('counter', 'kefu_hook_deliveries_total', 'Records delivered.', hook => hook.delivered),
  ofHooks('counter', 'kefu_hook_failures_total', 'Attempts to deliver that failed.', hook => hook.failed),
  ofHooks('gauge', 'kefu_hook_dead_letters', 'Records that were given up and are kept.', hook => hook.dead),
  ofHooks('gauge', 'kefu_hook_lag_records', 'Records of the log that are not done.', hook => hook.lag),
  gauge('kefu_hook_state', 'State of the hook: 1 for the present one.', ({ hooks }) =>
    hooks.flatMap(({ hook, state: present }) =>
      HOOK_STATES.map((state): Sample => [{ hook, state }, Number(state === present)]),
    ),
  ),

  gauge('kefu_bot_up', 'Whether the endpoint of a bot works.', ({ bots }) =>
    bots.map(({ bot, isUp }): Sample => [{ bot }, Number(isUp)]),
  ),
  counter('kefu_bot_questions_total', 'Questions to a bot that is called by what came of them.', ({ bots }) =>
    bots.flatMap(({ bot, answered, silent, failed }: Bot) => by('result', { answered, silent, failed }, { bot })),
  ),
]

/** A reading in the text format of Prometheus, version 0.0.4. */
export function formatMetrics(reading: MetricsReading): string {
  return METRICS.map(({ name, kind, help, samples }) => {
    const lines = samples(reading).map(([labels, value]) => `${name}${labelText(labels)} ${value}\n`)
    return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`
  }).join('')
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`
}

function counter(name: string, help: string, samples: Metric['samples']): Metric {
  return { name, kind: 'counter', help, samples }
}

function gauge(name: string, help: string, samples: Metric['samples']): Metric {
  return { name, kind: 'gauge', help, samples }
}

function ofChannels(kind: Metric['kind'], name: string, help: string, value: (channel: Channel) => number): Metric {
  return { name, kind, help, samples: ({ channels }) => channels.map(each => [{ channel: each.channel }, value(each)]) }
}

function ofHooks(kind: Metric['kind'], name: string, help: string, value: (hook: Hook) => number): Metric {
  return { name, kind, help, samples: ({ hooks }) => hooks.map(each => [{ hook: each.hook }, value(each)]) }
}

function only(value: number | boolean): readonly Sample[] {
  return [[{}, Number(value)]]
}

/** A number for each word. */
function by(
  label: string,
  values: Readonly<Record<string, number>>,
  others: Readonly<Record<string, string>> = {},
): readonly Sample[] {
  return Object.entries(values).map(([word, value]) => [{ ...others, [label]: word }, value])
}
