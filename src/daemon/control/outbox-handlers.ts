import type { ConversationId } from '../../codec/conversation-id.js'
import { formatMessageId, type MessagePlace, parseMessageId } from '../../codec/message-id.js'
import { isKefuError, KefuError } from '../../errors.js'
import { channelOwner } from '../core/conversation.js'
import type { LogPort, OutboxPort, OutboxRow, OutboxState, OutboxTotals } from '../core/ports.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'
import { previewOf } from '../engine/routing/preview.js'
import type { Log } from '../observe/log.js'
import type { AnswerOf, ParsedRequestOf } from './operations.js'
import type { OutboxRowView, OutboxTotalsView } from './outbox-schemas.js'
import { presentOnly } from './present-only.js'

/** What the operations on the outbox act on. */
export type OutboxControlPorts = {
  readonly channels: ChannelRegistry
  readonly outbox: OutboxPort
  readonly records: Records
  /** What operators did is told here: no record of the conversation does. */
  readonly log: Pick<Log, 'info'>
}

type Records = Pick<LogPort, 'head' | 'read'>
type Done = AnswerOf<'outbox.retry'>['messages'][number]

const BY = 'operator'

/** The operations on the outbox. */
export function createOutboxHandlers(ports: OutboxControlPorts) {
  const { channels, outbox, records, log } = ports

  /** A message to a channel that is gone would wait for ever. */
  const needChannel = async ({ conversation }: MessagePlace): Promise<void> => {
    const head = await records.head(conversation)
    if (head !== null && channels.byNumber(head.channel) === undefined)
      throw new KefuError('KEFU_CHANNEL_NOT_FOUND', { name: head.channel, suggestion: ' any more' })
  }

  return {
    'outbox.list': async ({ limit, cursor, channel, states }: ParsedRequestOf<'outbox.list'>) => {
      const totals = await outbox.totals()
      const lane = channel === undefined ? undefined : laneOf(channels, totals, channel)
      const range = presentOnly({ lane, after: cursor, states: states?.map(stateOf) })
      const page = await outbox.rows({ limit, ...range }).catch((error: unknown) => {
        throw isKefuError(error, 'KEFU_CODEC_INVALID') ? foreign(error) : error
      })
      const messages = await Promise.all(page.rows.map(row => viewRow(records, channels, row)))
      const counted = lane === undefined ? [...totals.values()] : [totals.get(lane)]
      return presentOnly({ totals: sumOf(counted), messages, next: page.next })
    },
    'outbox.retry': async ({ messages, mayRepeat }: ParsedRequestOf<'outbox.retry'>) => {
      const done = await eachOf(messages, async message => {
        await needChannel(message)
        return await outbox.retry(message.conversation, message.n, { mayRepeat })
      })
      tell(log, 'outbox.retried', done)
      return { messages: done }
    },
    'outbox.drop': async ({ messages }: ParsedRequestOf<'outbox.drop'>) => {
      const done = await eachOf(messages, ({ conversation, n }) => outbox.drop(conversation, n))
      tell(log, 'outbox.dropped', done)
      return { messages: done }
    },
  }
}

/** How many messages of these lanes stand where. */
export function sumOf(totals: Iterable<OutboxTotals | undefined>): OutboxTotalsView {
  const sum = { due: 0, retrying: 0, sending: 0, parked: 0, unknown: 0, dead: 0 }
  for (const lane of totals) {
    if (lane === undefined) continue
    const { queued, ...others } = lane
    sum.due += queued
    for (const [state, count] of Object.entries(others)) sum[state as keyof typeof others] += count
  }
  return sum
}

/** The lane of a channel by its name; of one that was removed by its number, as long as it has messages. */
function laneOf(channels: ChannelRegistry, totals: ReadonlyMap<string, OutboxTotals>, name: string): string {
  const lane = /^[1-9]\d{0,8}$/.test(name) ? channelOwner(Number(name)) : undefined
  const isRemoved = lane !== undefined && totals.has(lane) && channels.byNumber(Number(name)) === undefined
  return isRemoved && !channels.list().some(channel => channel.name === name)
    ? lane
    : channelOwner(channels.show(name).number)
}

async function viewRow(records: Records, channels: ChannelRegistry, row: OutboxRow): Promise<OutboxRowView> {
  const { conversation, n, state, attempts, retryAt, reason } = row
  const [head, [record]] = await Promise.all([records.head(conversation), records.read(conversation, n - 1, 1)])
  if (head === null || record === undefined) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  return presentOnly({
    id: formatMessageId(row),
    conversation,
    n,
    channel: channels.byNumber(head.channel)?.name ?? String(head.channel),
    contact: head.contact,
    name: head.name,
    state: standingOf(state),
    attempts,
    retryAt,
    reason,
    at: record.at,
    text: record.body.type === 'message' ? previewOf(record.body.parts) : '',
  })
}

function standingOf(state: OutboxState): OutboxRowView['state'] {
  return state === 'queued' ? 'due' : state
}

function stateOf(standing: OutboxRowView['state']): OutboxState {
  return standing === 'due' ? 'queued' : standing
}

/** Does it to each message, to those of one conversation one after the other, in their order; what fails holds up no other. */
async function eachOf(ids: readonly string[], act: (message: MessagePlace) => Promise<boolean>): Promise<Done[]> {
  const places = ids.flatMap(id => parseMessageId(id) ?? []).sort((a, b) => a.n - b.n)
  const done = new Map<string, Done>()
  const actOnAll = async (conversation: ConversationId): Promise<void> => {
    for (const place of places) {
      const id = formatMessageId(place)
      if (place.conversation !== conversation || done.has(id)) continue
      try {
        done.set(id, { id, changed: await act(place) })
      } catch (error) {
        if (!isKefuError(error)) throw error
        const { code, message, hint } = error
        done.set(id, { id, changed: false, error: { code, message, hint } })
      }
    }
  }
  await Promise.all([...new Set(places.map(({ conversation }) => conversation))].map(actOnAll))
  return [...new Set(ids)].flatMap(id => done.get(id) ?? [])
}

/** One line for all, with every message that was changed. */
function tell(log: Pick<Log, 'info'>, event: string, done: readonly Done[]): void {
  const messages = done.filter(({ changed }) => changed).map(({ id }) => id)
  if (messages.length > 0) log.info(event, { by: BY, count: messages.length, messages })
}

function foreign(cause: unknown): KefuError {
  return new KefuError('KEFU_USAGE', { reason: 'the cursor is not one of this list' }, { cause })
}
