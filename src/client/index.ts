/**
 * `kefu/client`: the client of kefu's wire protocol (docs/protocol.md) for browsers and Node. A visitor's, an agent's and an app server's session, each with
 * reconnect, resume, idempotent sending, and every record of a conversation once and in order.
 */

export type { ConversationId } from '../codec/conversation-id.js'
export type {
  Author,
  ChoicesPart,
  Marks,
  MediaPart,
  PageBody,
  Part,
  PresenceNoticeBody,
  QueueBody,
  ReadBody,
  TypingNoticeBody,
  WireChannel,
  WireEntry,
  WireRecord,
} from '../codec/wire.js'
export type { CannedBody, CannedEntry } from '../codec/wire-canned.js'
export type { Changes, Command, ConversationState, DoneBody, Priority } from '../codec/wire-commands.js'
export type { ContactBody, ContactEntry } from '../codec/wire-contacts.js'
export type { SearchBody, SearchFilter, SearchHitEntry, SearchRequestBody } from '../codec/wire-search.js'
export { type ErrorCode, isKefuError, KefuError } from '../errors.js'
export { type AgentClient, type AgentOptions, createAgent } from './agent.js'
export { type AppClient, type AppConversation, type AppOptions, createApp, type SendOptions } from './app.js'
export type { ClientClock } from './clock.js'
export type { AgentEvents, ClientEvents, ContactEvents, Conversation, MessageRecordEvent } from './events.js'
export type { MediaLink, Uploaded } from './media.js'
export type { Content } from './message.js'
export type { ClientOptions } from './options.js'
export type { Sent } from './outbox.js'
export type { Decompress } from './platform.js'
export type { ClientState, StateChange } from './session-role.js'
export type { WebSocketConstructor, WebSocketLike } from './socket.js'
export type { RecordEvent } from './tracker.js'
export { createVisitor, type Identity, type TokenStore, type Visitor, type VisitorOptions } from './visitor.js'
