import type { ConversationId } from '../codec/conversation-id.js'
import type { Author, Marks, Part, PresenceNoticeBody, QueueBody, ReadBody, TypingNoticeBody } from '../codec/wire.js'
import type { ConversationState } from '../codec/wire-commands.js'
import type { KefuError } from '../errors.js'
import type { StateChange } from './session-role.js'
import type { RecordEvent } from './tracker.js'

/** A record that is a message. */
export type MessageRecordEvent = RecordEvent & {
  readonly record: {
    readonly type: 'message'
    readonly by: Author
    readonly id?: string
    readonly parts: readonly Part[]
  }
}

/** What every client tells. */
export type ClientEvents = {
  /** Each record once, in order of `n` per conversation, own messages and `internal` stubs included. */
  readonly record: RecordEvent
  /** Those records that are messages, after `record`. */
  readonly message: MessageRecordEvent
  readonly state: StateChange
  /** Somebody on the other side types, or stopped. */
  readonly typing: TypingNoticeBody
  /**
   * Somebody on the other side has received, or has read, up to a number. Comes when a mark moves on, and after a connection for how far it was then, where
   * this client has not told so before; what was read was received, and only `read` comes of it.
   */
  readonly delivered: ReadBody
  readonly read: ReadBody
  /** Something failed that no promise tells of. The client goes on unless `state` says `closed`. */
  readonly error: KefuError
}

/** What visitors' and apps' clients tell in addition. */
export type ContactEvents = ClientEvents & {
  /** The agent of a conversation came, went away or left. */
  readonly presence: PresenceNoticeBody
  /** The place of a contact who waits for an agent has changed. */
  readonly queue: QueueBody
}

/** A conversation as agents' and apps' clients know it. */
export type Conversation = {
  readonly conversation: ConversationId
  readonly channel: number
  readonly contact: string | undefined
  readonly name: string | undefined
  /** Its last number that this client knows of, and the last one it has told its listeners. */
  readonly n: number
  readonly known: number
  /** Epoch ms of its last activity. */
  readonly at: number
  readonly state: ConversationState | undefined
  /** The agent that has it, as far as known. */
  readonly agent: string | undefined
  /** Agents: whether this agent has it. Apps: true. */
  readonly isMine: boolean
  /** How far the other side has got: for agents the contact, for apps the agents. */
  readonly marks: Marks
  /** Agents: messages of the contact that nobody has read or answered, up to 100, which stands for all above; 0 when it is not this agent's. Apps: undefined. */
  readonly unread: number | undefined
}

/** What agents' clients tell in addition. */
export type AgentEvents = ClientEvents & {
  /** A conversation is this agent's now; its records follow, as far back as `backlog` says. */
  readonly assigned: Conversation
  /** A conversation went to somebody else or back to the queue. */
  readonly unassigned: Conversation
  /** The number of unread messages of one of this agent's conversations has changed, also because it was read on another device. */
  readonly unread: Conversation
}
