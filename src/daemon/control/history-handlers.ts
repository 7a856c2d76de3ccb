import type { ConversationId } from '../../codec/conversation-id.js'
import { formatMessageId } from '../../codec/message-id.js'
import { isKefuError, KefuError } from '../../errors.js'
import { type Clock, type LogPort, type OutboxPort, START, type ViewPort } from '../core/ports.js'
import { type FeedPorts, linesOf, readLog } from '../engine/history/feed.js'
import { importLines } from '../engine/history/import.js'
import { createReadingTurns } from '../engine/history/reading-turns.js'
import type { RecordFilter } from '../engine/history/record-filter.js'
import { showConversation } from '../engine/history/show.js'
import { createStatsCount } from '../engine/history/stats.js'
import { tailLog } from '../engine/history/tail.js'
import { traceMessage } from '../engine/history/trace.js'
import type { AgentRegistry } from '../engine/registry/agents.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'
import { previewOf } from '../engine/routing/preview.js'
import type { Tokens } from '../engine/session/tokens.js'
import { conversationOf } from './conversation-ref.js'
import { Lines } from './lines.js'
import type { AnswerOf, ParsedRequestOf } from './operations.js'
import { presentOnly } from './present-only.js'

/** What the operations on the history act on. */
export type HistoryControlPorts = {
  readonly agents: Pick<AgentRegistry, 'show' | 'byId'>
  readonly channels: Pick<ChannelRegistry, 'byNumber' | 'show' | 'list'>
  readonly tokens: Pick<Tokens, 'conversationId'>
  readonly records: Pick<LogPort, 'append' | 'head' | 'read' | 'tail' | 'cursor'>
  readonly outbox: Pick<OutboxPort, 'rows'>
  readonly view: Pick<ViewPort, 'receipt'>
  readonly clock: Pick<Clock, 'monotonicMs'>
}

type Filter = Omit<ParsedRequestOf<'history.export'>, 'after'>

/** The operations on the history. */
export function createHistoryHandlers(ports: HistoryControlPorts) {
  const { agents, channels, records: log, outbox, view, clock } = ports
  const channelName = (number: number): string => channels.byNumber(number)?.name ?? String(number)
  const feed: FeedPorts = { log, clock, turns: createReadingTurns(), channelName }

  return {
    'history.show': async function* ({ ref, ...range }: ParsedRequestOf<'history.show'>, signal: AbortSignal) {
      const request = { ...range, conversation: conversationOf(ports, ref) }
      for await (const bytes of showConversation(feed, request, signal)) yield new Lines(bytes)
    },
    'history.tail': async function* (request: ParsedRequestOf<'history.tail'>, signal: AbortSignal) {
      for await (const page of tailLog(feed, filterOf(ports, request), signal))
        yield new Lines(linesOf(page, channelName))
    },
    'history.export': async function* (
      { after = START, ...request }: ParsedRequestOf<'history.export'>,
      signal: AbortSignal,
    ): AsyncGenerator<AnswerOf<'history.export'> | Lines> {
      try {
        for await (const event of readLog(feed, filterOf(ports, request), after, signal))
          yield 'type' in event ? event : new Lines(linesOf(event, channelName))
      } catch (error) {
        if (!isKefuError(error, 'KEFU_CODEC_INVALID')) throw error
        throw new KefuError('KEFU_USAGE', { reason: 'the cursor is not one of this log' }, { cause: error })
      }
    },
    'history.stats': async function* (
      { by, offsetMinutes, ...request }: ParsedRequestOf<'history.stats'>,
      signal: AbortSignal,
    ): AsyncGenerator<AnswerOf<'history.stats'>> {
      const agentName = (id: string): string => agents.byId(id)?.name ?? id
      const count = createStatsCount(by, { channel: channelName, agent: agentName, offsetMinutes })
      for await (const event of readLog(feed, filterOf(ports, request), START, signal)) {
        if (!('type' in event)) for (const entry of event) count.add(entry)
        else if (event.type === 'progress') yield event
        else yield { type: 'result', by, rows: count.rows(), records: event.records, omitted: count.omitted }
      }
    },
    'history.import': ({ lines, channels: names, dryRun }: ParsedRequestOf<'history.import'>) => {
      const byName = new Map(channels.list().map(channel => [channel.name, channel]))
      const importing = {
        log,
        turns: feed.turns,
        channel: (name: string) => byName.get(name),
        conversationId: (channel: number, contact: string) => ports.tokens.conversationId(channel, contact),
      }
      return importLines(importing, lines, { channels: new Map(Object.entries(names)), dryRun })
    },
    'history.trace': async ({ ref, n }: ParsedRequestOf<'history.trace'>): Promise<AnswerOf<'history.trace'>> => {
      const conversation = conversationOf(ports, ref)
      const { head, body, steps } = await traceMessage({ log, view, outbox }, { conversation, n })
      const { role, id, name } = body.by
      return {
        message: formatMessageId({ conversation, n }),
        conversation,
        n,
        channel: channelName(head.channel),
        kind: head.kind,
        contact: head.contact,
        by: presentOnly({ role, id, name }),
        text: previewOf(body.parts),
        steps: steps.map(({ agent, ...step }) =>
          presentOnly({ ...step, agent: agent === undefined ? undefined : (agents.byId(agent)?.name ?? agent) }),
        ),
      }
    },
  }
}

/** Throws `KEFU_CHANNEL_NOT_FOUND`, `KEFU_AGENT_NOT_FOUND`, `KEFU_USAGE`. */
function filterOf(ports: HistoryControlPorts, request: Filter): RecordFilter {
  const { channel, agent, types, since, until } = request
  const conversations = conversationsOf(ports, request)
  return {
    ...(conversations !== undefined && { conversations }),
    ...(channel !== undefined && { channel: numberOf(ports, channel) }),
    ...(agent !== undefined && { agent: ports.agents.show(agent).id }),
    ...(types !== undefined && { types: new Set(types) }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  }
}

function conversationsOf(
  ports: HistoryControlPorts,
  { conversation, contact, channel }: Filter,
): ReadonlySet<ConversationId> | undefined {
  if (conversation !== undefined) return new Set([conversationOf(ports, conversation)])
  if (contact === undefined) return undefined
  const numbers = channel === undefined ? ports.channels.list().map(({ number }) => number) : [numberOf(ports, channel)]
  return new Set(numbers.map(number => ports.tokens.conversationId(number, contact)))
}

/** The number of a channel; one that was removed is named by it. */
function numberOf({ channels }: HistoryControlPorts, name: string): number {
  const number = /^[1-9]\d{0,8}$/.test(name) ? Number(name) : undefined
  const isRemoved = number !== undefined && !channels.list().some(channel => channel.name === name)
  return isRemoved ? number : channels.show(name).number
}
