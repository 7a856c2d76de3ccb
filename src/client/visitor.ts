import type { ConversationId } from '../codec/conversation-id.js'
import type { HelloBody, Marks, PageBody, WireRecord } from '../codec/wire.js'
import type { DoneBody } from '../codec/wire-commands.js'
import { KefuError, toKefuError } from '../errors.js'
import { closing, rating } from './contact-commands.js'
import { Core } from './core.js'
import type { Listener } from './emitter.js'
import type { ContactEvents } from './events.js'
import { disconnected } from './failure.js'
import { marksOf, moveMark, moveMarks } from './marks.js'
import { type MediaLink, type Uploaded, upload } from './media.js'
import type { Content } from './message.js'
import { type ClientOptions, resolveOptions } from './options.js'
import type { Sent } from './outbox.js'
import type { ClientState } from './session-role.js'
import { Track } from './tracker.js'

/** Where a visitor's token is kept from one visit to the next. It opens the visitor's conversation: keep it as a secret. */
export type TokenStore = {
  load(): string | undefined | Promise<string | undefined>
  save(token: string): void | Promise<void>
}

/** A known user of the site, asserted by the site's own server. */
export type Identity = NonNullable<HelloBody['identity']>

/** Options of `createVisitor`. */
export type VisitorOptions = ClientOptions & {
  /** Channel name; needed as long as there is no token. */
  readonly channel?: string
  /** Without a store every client is a new visitor. */
  readonly tokens?: TokenStore
  /**
   * Who the visitor is on the site. The conversation belongs to that user: `tokens` is not used then, so that a browser which several people use
   * shows nobody another's. A function is asked when a connection needs it, as assertions expire. Needs `channel`.
   */
  readonly identity?: Identity | (() => Identity | Promise<Identity>)
  /** Display name. */
  readonly name?: string
  /** The visitor's language, a tag such as `zh` or `pt-BR`: in a browser `navigator.language`. */
  readonly language?: string
  /** The last number that the caller has kept; what follows is told again. Default 0: everything. One beyond the conversation's end: only what is new. */
  readonly after?: number
}

/** A visitor's client: one conversation. */
export type Visitor = {
  readonly state: ClientState
  /** The conversation; undefined before the first welcome. */
  readonly conversation: ConversationId | undefined
  /** Last number told to listeners, and last number known to exist. */
  readonly known: number
  readonly head: number
  /** How far the agents have got: what they have received, and read. */
  readonly marks: Marks
  /** Messages without an acknowledgement. */
  readonly unacknowledged: number
  /** Resolves when connected; rejects when the client has ended, or with `KEFU_ABORTED`. */
  ready(signal?: AbortSignal): Promise<void>
  /**
   * Resolves when the server has the message on disk; until then it is sent again on each connection, with the same id. Messages keep the order of the calls.
   * Rejects with `KEFU_QUEUE_FULL`, `KEFU_MESSAGE_TOO_LARGE`, `KEFU_USAGE`, `KEFU_TIMEOUT`, the server's refusal, or `KEFU_DISCONNECTED` on `close`.
   */
  send(content: Content, options?: { readonly id?: string }): Promise<Sent>
  /** Tells that the visitor types; lost without a connection. */
  typing(on: boolean): void
  /** Tells that the visitor has read everything up to `n`, or everything there is. */
  read(n: number): void
  /** One page of the conversation: after or before a number. */
  history(range: { readonly after?: number; readonly before?: number; readonly limit?: number }): Promise<PageBody>
  /** Stores a file for messages of this conversation. */
  upload(file: Blob | Uint8Array<ArrayBuffer>, type: string): Promise<Uploaded>
  /** A link to a file of the conversation. */
  media(id: string): Promise<MediaLink>
  /**
   * Ends the conversation; a message begins it anew. Resolves when that is on disk; `changed` is false when it was closed before. Rejects with the server's
   * refusal, or with `KEFU_DISCONNECTED` or `KEFU_TIMEOUT` when it is not known whether it was done: nothing is asked again by itself.
   */
  closeConversation(): Promise<DoneBody>
  /** The visitor's opinion of the conversation, from 1 to 5; a later one counts. Rejects as `closeConversation`. */
  rate(score: number, comment?: string): Promise<DoneBody>
  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof ContactEvents>(name: Name, listener: Listener<ContactEvents[Name]>): () => void
  off<Name extends keyof ContactEvents>(name: Name, listener: Listener<ContactEvents[Name]>): void
  /** Ends the client; resolves when the connection is closed, at the latest after 2 s. Idempotent. */
  close(): Promise<void>
}

/** uWebSockets' and ws' pings come after about 112 s of silence: where the platform shows them, no probe is needed. */
const PROBE_AFTER_MS = 118_000

/**
 * A visitor's client. It connects by itself and stays connected until `close`, or until the server refuses it for good (state `closed` with an error).
 * Throws `KEFU_USAGE` for options that cannot work.
 */
export function createVisitor(options: VisitorOptions): Visitor {
  if (options.channel === undefined && (options.tokens === undefined || options.identity !== undefined))
    throw new KefuError('KEFU_USAGE', { reason: 'a visitor needs a channel, or a store with a token and no identity' })
  const tokens = options.identity === undefined ? options.tokens : undefined
  const settings = resolveOptions(options, PROBE_AFTER_MS)
  let token: string | undefined
  let isLoaded = false
  let track: Track | undefined
  /** What the caller has kept, until the server turns out to have less. */
  let after = options.after ?? 0

  const core = new Core(settings, {
    author: () => (options.name === undefined ? { role: 'contact' } : { role: 'contact', name: options.name }),
    isOwn: (record: WireRecord) => record.by?.role === 'contact',
    targetOf: () => '',
    channelOf: () => track?.channel ?? 0,
    addressOf: () => ({}),
    headOf: () => track?.sequence.head ?? 0,
    isHeadWelcomed: true,
    startBefore: () => 0,
    async hello(zstd) {
      if (!isLoaded) token = await tokens?.load()
      isLoaded = true
      const { channel, client, identity, name, language } = options
      const isKnown = token !== undefined
      const n = track?.sequence.known ?? after
      return {
        ...(token !== undefined && { token }),
        ...(!isKnown && channel !== undefined && { channel }),
        ...(!isKnown && identity !== undefined && { identity: await assertion(identity) }),
        ...((isKnown || n > 0) && { resume: { n } }),
        ...(name !== undefined && { name }),
        ...(language !== undefined && { language }),
        ...(zstd && { zstd }),
        ...(client !== undefined && { client }),
      }
    },
    welcome(body) {
      const { conversation, n = 0, channels } = body
      if (body.role !== 'visitor' || conversation === undefined) {
        core.session.end(new KefuError('KEFU_UNAUTHORISED'))
        return
      }
      if (body.token !== undefined && body.token !== token) keep(body.token)
      const isLost = track !== undefined && (track.conversation !== conversation || n < track.sequence.known)
      if (track !== undefined && isLost) {
        // Another conversation, or a server that has lost records: what was known does not count here.
        if (track.conversation === conversation)
          core.fail(new KefuError('KEFU_STORE_CONFLICT', { expected: track.sequence.known, actual: n }))
        core.tracker.drop(track)
        track = undefined
        after = 0
      }
      const number = channels[0]?.number ?? 0
      track ??= core.tracker.add(new Track(conversation, Math.min(after, n), number, undefined))
      track.isMine = true
      track.channel = number
      core.tracker.connected(true)
      core.tracker.expect(track, n, !isLost)
      if (body.marks !== undefined) moveMarks(core.events, track, body.marks, { role: 'agent' })
    },
    frame({ kind, body }) {
      if ((kind === 'delivered' || kind === 'read') && body.conversation === track?.conversation)
        moveMark(core.events, track, kind, body)
    },
    delivered() {},
    recorded() {},
    heartbeat() {},
    discovered(found) {
      found.isMine = true
    },
    refused() {},
    sweep: () => Number.POSITIVE_INFINITY,
    probe() {
      if (track !== undefined)
        core.session.request(track.channel, 'history', { after: track.sequence.known, limit: 1 }, () => {})
    },
  })

  function keep(fresh: string): void {
    token = fresh
    const save = async (): Promise<void> => {
      try {
        await tokens?.save(fresh)
      } catch (error) {
        core.fail(toKefuError(error))
      }
    }
    void save()
  }

  core.start()
  return {
    get state() {
      return core.session.state
    },
    get conversation() {
      return track?.conversation
    },
    get known() {
      return track?.sequence.known ?? after
    },
    get head() {
      return track?.sequence.head ?? after
    },
    get marks() {
      return track === undefined ? { delivered: 0, read: 0 } : marksOf(track)
    },
    get unacknowledged() {
      return core.unacknowledged
    },
    ready: signal => core.ready(signal),
    send: (content, { id } = {}) => core.send('', {}, content, id),
    typing(on) {
      core.session.send(track?.channel ?? 0, 'typing', { on })
    },
    read(n) {
      if (track !== undefined) core.markRead(track.conversation, Math.min(n, track.sequence.head))
    },
    history: range => core.history(track?.channel ?? 0, range),
    async upload(file, type) {
      if (token === undefined) throw disconnected('there is no token before the first welcome')
      return upload(settings.httpUrl, token, file, type, undefined)
    },
    media: id => core.mediaLink(track?.channel ?? 0, { media: id }),
    closeConversation: () => core.command(track?.channel ?? 0, { command: closing() }),
    rate: (score, comment) => core.command(track?.channel ?? 0, { command: rating(score, comment) }),
    on: (name, listener) => core.events.on(name, listener),
    off: (name, listener) => core.events.off(name, listener),
    close: () => core.close(),
  }
}

async function assertion(identity: NonNullable<VisitorOptions['identity']>): Promise<Identity> {
  return typeof identity === 'function' ? identity() : identity
}
