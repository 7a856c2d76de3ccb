import type { ConversationId } from '../codec/conversation-id.js'
import type { WireChannel } from '../codec/wire.js'
import type { DoneBody } from '../codec/wire-commands.js'
import { closing, rating } from './contact-commands.js'
import type { Listener } from './emitter.js'
import type { ContactEvents } from './events.js'
import type { Content } from './message.js'
import type { Sent } from './outbox.js'
import type { ClientState } from './session-role.js'
import { createStaff, type StaffMethods, type StaffOptions } from './staff.js'

/** Options of `createApp`. */
export type AppOptions = StaffOptions

/** One of an app's conversations, by the app's own id of the contact or by its own. */
export type AppConversation = { readonly contact: string } | { readonly conversation: ConversationId }

/** What may come with a message: its id, and of a contact who writes for the first time the name and the language (a tag such as `zh`). */
export type SendOptions = { readonly id?: string; readonly name?: string; readonly language?: string }

/** An app server's client: every contact of its channel over one connection. Contacts are named by the app's own ids. */
export type AppClient = StaffMethods & {
  readonly state: ClientState
  /** The channel that the token belongs to; undefined before the first welcome. */
  readonly channel: WireChannel | undefined
  /** Where a later client can go on. */
  readonly cursor: string | undefined
  /** Messages without an acknowledgement. */
  readonly unacknowledged: number
  /** Resolves when connected; rejects when the client has ended, or with `KEFU_ABORTED`. */
  ready(signal?: AbortSignal): Promise<void>
  /** Writes as a contact; the first message opens its conversation. Otherwise as a visitor's `send`, with order per contact. */
  send(contact: string, content: Content, options?: SendOptions): Promise<Sent>
  /** Tells the agent that a contact types; lost without a connection. */
  typing(contact: string, on: boolean): void
  /** Ends a conversation for its contact, as a visitor's `closeConversation`. */
  closeConversation(of: AppConversation): Promise<DoneBody>
  /** The contact's opinion, as a visitor's `rate`. */
  rate(of: AppConversation, score: number, comment?: string): Promise<DoneBody>
  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof ContactEvents>(name: Name, listener: Listener<ContactEvents[Name]>): () => void
  off<Name extends keyof ContactEvents>(name: Name, listener: Listener<ContactEvents[Name]>): void
  /** Ends the client; resolves when the connection is closed, at the latest after 2 s. Idempotent. */
  close(): Promise<void>
}

/**
 * An app server's client. It connects by itself and stays connected until `close`, or until the server refuses it for good.
 * Throws `KEFU_USAGE` for options that cannot work.
 */
export function createApp(options: AppOptions): AppClient {
  let channel: WireChannel | undefined

  const staff = createStaff(options, {
    role: 'app',
    author: () => ({ role: 'contact' }),
    isOwn: record => record.by?.role === 'contact',
    // Before a conversation's contact is known, none of its messages can be on their way from here.
    targetOf: track => track.contact ?? '',
    channelOf: () => channel?.number ?? 0,
    addressOf: target => ({ contact: target }),
    headOf: target => core.tracker.ofContact(target)?.sequence.head ?? 0,
    isMine: () => true,
    welcome(body) {
      channel = body.channels[0]
    },
    heartbeat() {},
    ownershipChanged() {},
  })
  const { core, cursor, ...methods } = staff

  core.start()
  return {
    ...methods,
    get state() {
      return core.session.state
    },
    get channel() {
      return channel
    },
    get cursor() {
      return cursor()
    },
    get unacknowledged() {
      return core.unacknowledged
    },
    ready: signal => core.ready(signal),
    send(contact, content, { id, name, language } = {}) {
      // Callers without types give what they have, `undefined` too: that cannot be sent.
      const known = { ...(name !== undefined && { name }), ...(language !== undefined && { language }) }
      return core.send(contact, { contact, ...known }, content, id)
    },
    typing(contact, on) {
      core.session.send(channel?.number ?? 0, 'typing', { contact, on })
    },
    closeConversation: of => core.command(channel?.number ?? 0, { ...of, command: closing() }),
    rate: (of, score, comment) => core.command(channel?.number ?? 0, { ...of, command: rating(score, comment) }),
    on: (name, listener) => core.events.on(name, listener),
    off: (name, listener) => core.events.off(name, listener),
    close: () => core.close(),
  }
}
