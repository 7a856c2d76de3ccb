import type { ConversationId } from '../codec/conversation-id.js'
import { type PresenceBody, WIRE_LIMITS } from '../codec/wire.js'
import type { CannedBody } from '../codec/wire-canned.js'
import type { Command, DoneBody } from '../codec/wire-commands.js'
import type { ContactBody } from '../codec/wire-contacts.js'
import type { SearchBody, SearchRequestBody } from '../codec/wire-search.js'
import { ask, cannedOf, contactOf, searchOf } from './answers.js'
import type { Listener } from './emitter.js'
import type { AgentEvents } from './events.js'
import type { Content } from './message.js'
import type { Sent } from './outbox.js'
import type { ClientState } from './session-role.js'
import { createStaff, type StaffMethods, type StaffOptions, toConversation } from './staff.js'

/** Options of `createAgent`. */
export type AgentOptions = StaffOptions & {
  /** What the agent is when it connects. Default `online`. */
  readonly presence?: PresenceBody['state']
  /** Time between heartbeats. Default 5 s; a server takes an agent for away after 15 s. */
  readonly heartbeatMs?: number
}

/** An agent's client: the conversations that are assigned to it. */
export type AgentClient = StaffMethods & {
  readonly state: ClientState
  /** Who the token belongs to; undefined before the first welcome. */
  readonly agent: { readonly id: string; readonly name: string } | undefined
  /** Where a later client can go on. */
  readonly cursor: string | undefined
  /** Messages without an acknowledgement. */
  readonly unacknowledged: number
  /** Resolves when connected; rejects when the client has ended, or with `KEFU_ABORTED`. */
  ready(signal?: AbortSignal): Promise<void>
  /** As a visitor's `send`, to one conversation. */
  send(conversation: ConversationId, content: Content, options?: { readonly id?: string }): Promise<Sent>
  /**
   * Has something done to a conversation. Resolves when it holds, on disk; `changed` is false when it held before. Rejects with the server's refusal; with
   * `KEFU_DISCONNECTED` or `KEFU_TIMEOUT` when it is not known whether it was carried out (nothing is asked again by itself: look where the conversation
   * stands); with `KEFU_USAGE` or `KEFU_MESSAGE_TOO_LARGE` when it cannot be sent.
   */
  command(conversation: ConversationId, command: Command): Promise<DoneBody>
  /**
   * Who the contact of a conversation is, and the conversations of the same person that this agent may read with `history`. Rejects with the server's refusal, and
   * as `history` does.
   */
  contact(conversation: ConversationId): Promise<ContactBody>
  /**
   * Canned replies for a conversation, ready to be sent: those whose shortcut begins with the query, then those that have it in their text. `from` is the `next` of
   * the page before. Rejects as `contact` does.
   */
  cannedReplies(conversation: ConversationId, query?: string, from?: number): Promise<CannedBody>
  /**
   * What was said in the conversations that this agent may read, a page of hits: with `next` there may be more, also when there is no hit. Rejects as `contact`
   * does, with `KEFU_SEARCH_INVALID` when the query cannot be understood, and with `KEFU_RATE_LIMITED`.
   */
  search(request: SearchRequestBody): Promise<SearchBody>
  /**
   * Supervisors: the records of a conversation that somebody else has come as `record` events from now on, or no more. Lost without a connection, and with
   * it: say it again after each `ready`.
   */
  listen(conversation: ConversationId, on: boolean): void
  /** Says whether new conversations are welcome. */
  setPresence(state: PresenceBody['state']): void
  /** Tells the contact that the agent types; lost without a connection. */
  typing(conversation: ConversationId, on: boolean): void
  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof AgentEvents>(name: Name, listener: Listener<AgentEvents[Name]>): () => void
  off<Name extends keyof AgentEvents>(name: Name, listener: Listener<AgentEvents[Name]>): void
  /** Ends the client; resolves when the connection is closed, at the latest after 2 s. Idempotent. */
  close(): Promise<void>
}

/**
 * An agent's client. It connects by itself, keeps its presence alive, and stays connected until `close`, or until the server refuses it for good.
 * Throws `KEFU_USAGE` for options that cannot work.
 */
export function createAgent(options: AgentOptions): AgentClient {
  const heartbeatMs = options.heartbeatMs ?? WIRE_LIMITS.heartbeatMs
  let presence = options.presence ?? 'online'
  let agent: AgentClient['agent']

  const staff = createStaff(options, {
    role: 'agent',
    author: () => ({ role: 'agent', ...agent }),
    isOwn: record => record.by?.role === 'agent' && record.by.id === agent?.id,
    targetOf: track => track.conversation,
    channelOf: target => channelOf(target as ConversationId),
    addressOf: target => ({ conversation: target }),
    headOf: target => core.tracker.get(target as ConversationId)?.sequence.head ?? 0,
    isMine: owner => owner !== undefined && owner === agent?.id,
    welcome(body) {
      agent = body.agent
      beat()
    },
    heartbeat: () => beat(),
    ownershipChanged: track => core.events.emit(track.isMine ? 'assigned' : 'unassigned', toConversation(track)),
  })
  const { core, cursor, ...methods } = staff

  function channelOf(conversation: ConversationId): number {
    return core.tracker.get(conversation)?.channel ?? 0
  }

  function beat(): void {
    core.session.send(0, 'presence', { state: presence })
    core.session.heartbeatIn(heartbeatMs)
  }

  core.start()
  return {
    ...methods,
    get state() {
      return core.session.state
    },
    get agent() {
      return agent
    },
    get cursor() {
      return cursor()
    },
    get unacknowledged() {
      return core.unacknowledged
    },
    ready: signal => core.ready(signal),
    send: (conversation, content, { id } = {}) => core.send(conversation, { conversation }, content, id),
    command: (conversation, command) => core.command(channelOf(conversation), { conversation, command }),
    contact: conversation =>
      ask(answer => core.session.request(channelOf(conversation), 'contact', { conversation }, answer), contactOf),
    cannedReplies(conversation, query, from) {
      const body = { conversation, ...(query !== undefined && { query }), ...(from !== undefined && { from }) }
      return ask(answer => core.session.request(channelOf(conversation), 'canned', body, answer), cannedOf)
    },
    search: request => ask(answer => core.session.request(0, 'search', request, answer), searchOf),
    setPresence(state) {
      presence = state
      if (core.session.isReady) beat()
    },
    listen(conversation, on) {
      core.session.send(channelOf(conversation), 'listen', { conversation, on })
    },
    typing(conversation, on) {
      core.session.send(channelOf(conversation), 'typing', { conversation, on })
    },
    on: (name, listener) => core.events.on(name, listener),
    off: (name, listener) => core.events.off(name, listener),
    close: () => core.close(),
  }
}
