import type { ConversationId } from '../codec/conversation-id.js'
import type { HelloBody, InboxEntry, PageBody, ReadBody, WelcomeBody, WireRecord } from '../codec/wire.js'
import { KefuError } from '../errors.js'
import { CONVERSATION_LIMIT, Core, type CoreRole } from './core.js'
import type { Conversation } from './events.js'
import { disconnected } from './failure.js'
import { Inbox } from './inbox.js'
import { marksOf, moveMark, moveMarks } from './marks.js'
import { type MediaLink, type Uploaded, upload } from './media.js'
import { type ClientOptions, resolveOptions } from './options.js'
import { standingAfter } from './standing.js'
import { Track } from './tracker.js'
import { Unread } from './unread.js'

/** Options that agents' and apps' clients share. */
export type StaffOptions = ClientOptions & {
  /** The token, or where to get it; a function is asked once for each connection. */
  readonly token: string | (() => string | Promise<string>)
  /** How many earlier records are fetched of a conversation that is seen for the first time. Default 50; `Infinity` for all. */
  readonly backlog?: number
  /** Where an earlier client of the same token had got to (its `cursor`): only conversations with later activity are in the inbox. */
  readonly cursor?: string
  /** How many conversations the first inbox fetches when there is no cursor, newest first. Default 1,000. */
  readonly inboxLimit?: number
}

/** What agents' and apps' clients can do alike. */
export type StaffMethods = {
  /** The conversations that the client follows, latest activity first. */
  conversations(): Conversation[]
  /** One page of a conversation: after or before a number. Does not change what listeners get. */
  history(
    conversation: ConversationId,
    range: { readonly after?: number; readonly before?: number; readonly limit?: number },
  ): Promise<PageBody>
  /** Stores a file for messages of one conversation. */
  upload(conversation: ConversationId, file: Blob | Uint8Array<ArrayBuffer>, type: string): Promise<Uploaded>
  /** A link to a file of a conversation. */
  media(conversation: ConversationId, id: string): Promise<MediaLink>
  /** Tells that everything of a conversation up to `n` was read, or everything there is. */
  read(conversation: ConversationId, n: number): void
}

/** What differs between agents and apps. */
export type StaffRole = Pick<
  CoreRole,
  'author' | 'isOwn' | 'targetOf' | 'channelOf' | 'addressOf' | 'headOf' | 'heartbeat'
> & {
  readonly role: 'agent' | 'app'
  readonly welcome: (body: WelcomeBody) => void
  /** Whether a conversation that the inbox or a record shows in this agent's hands is this client's. */
  readonly isMine: (agent: string | undefined) => boolean
  readonly ownershipChanged: (track: Track) => void
}

/** The common part of an agent's and an app's client. */
export type Staff = StaffMethods & { readonly core: Core; readonly cursor: () => string | undefined }

const PROBE_AFTER_MS = 20_000
const BACKLOG = 50
const INBOX_LIMIT = 1_000

/** Builds the common part: inbox, conversations, history, media. */
export function createStaff(options: StaffOptions, role: StaffRole): Staff {
  const settings = resolveOptions(options, PROBE_AFTER_MS)
  const backlog = options.backlog ?? BACKLOG
  const otherRole = role.role === 'agent' ? 'contact' : 'agent'
  let token = ''

  const core = new Core(settings, {
    author: role.author,
    isOwn: role.isOwn,
    targetOf: role.targetOf,
    channelOf: role.channelOf,
    addressOf: role.addressOf,
    headOf: role.headOf,
    isHeadWelcomed: false,
    heartbeat: role.heartbeat,
    startBefore: n => Math.max(0, n - 1 - backlog),
    async hello(zstd): Promise<HelloBody> {
      token = typeof options.token === 'function' ? await options.token() : options.token
      const { cursor } = inbox
      return {
        token,
        ...(cursor !== undefined && { resume: { cursor } }),
        ...(zstd && { zstd }),
        ...(settings.client !== undefined && { client: settings.client }),
      }
    },
    welcome(body) {
      if (body.role !== role.role) {
        core.session.end(new KefuError('KEFU_UNAUTHORISED'))
        return
      }
      role.welcome(body)
      inbox.connected(body.cursor)
      core.tracker.connected(false)
    },
    frame(frame) {
      if (frame.kind === 'inbox') inbox.pushed(frame.body)
      else if (frame.kind === 'delivered' || frame.kind === 'read') marked(frame.kind, frame.body)
    },
    delivered: cursor => inbox.delivered(cursor),
    recorded(track, record, n) {
      track.unread?.record(n, record)
      follow(track, record, n)
      tellUnread(track)
    },
    discovered(track) {
      countUnread(track)
      own(track, true)
    },
    refused: track => own(track, false),
    sweep: () => inbox.sweep(),
    probe() {
      core.session.request(0, 'inbox', { before: inbox.probeCursor }, () => {})
    },
  })

  const inbox = new Inbox(
    {
      fetch: (before, answer) => core.session.request(0, 'inbox', { before }, answer),
      apply: entry => applyEntry(entry),
      failed: error => core.fail(error),
      violated: error => core.session.cut(error),
      monotonicMs: () => settings.clock.monotonicMs(),
      random: settings.random,
      sweepSoon: () => core.session.sweepSoon(),
    },
    options.cursor,
    { limit: options.inboxLimit ?? INBOX_LIMIT, resumeLimit: CONVERSATION_LIMIT },
  )

  function applyEntry(entry: InboxEntry): void {
    const { conversation, channel, contact, n } = entry
    const present = core.tracker.get(conversation)
    if (present !== undefined && n < present.knownBefore) {
      // A server that has lost records: what was known does not count here.
      core.fail(new KefuError('KEFU_STORE_CONFLICT', { expected: present.knownBefore, actual: n }))
      core.tracker.drop(present)
    }
    const track =
      core.tracker.get(conversation) ??
      countUnread(core.tracker.add(new Track(conversation, Math.max(0, n - backlog), channel, contact)))
    track.channel = channel
    if (track.contact !== contact) core.tracker.name(track, contact)
    if (entry.name !== undefined) track.name = entry.name
    if (entry.at > track.at) track.at = entry.at
    // Before listeners hear of a new owner: they are told the last number, too.
    track.sequence.expect(n)
    if (entry.unread === undefined) track.unread?.began(n)
    else track.unread?.told(entry.unread, n)
    if (n >= track.stateN) {
      track.stateN = n
      track.state = entry.state
      track.agent = entry.agent
      own(track, role.isMine(entry.agent))
    }
    // Pulled only while it is this client's: what is another agent's may not be read.
    core.tracker.expect(track, n, false)
    if (entry.marks !== undefined) moveMarks(core.events, track, entry.marks, { role: otherRole })
    tellUnread(track)
  }

  /** The other side has got further; or, for an agent, a colleague or another device of its own. */
  function marked(kind: 'delivered' | 'read', body: ReadBody): void {
    const track = core.tracker.get(body.conversation)
    if (track === undefined) return
    if (body.by.role === otherRole) moveMark(core.events, track, kind, body)
    else if (kind === 'read') readUpTo(track, body.n)
  }

  function readUpTo(track: Track, n: number): void {
    track.unread?.read(Math.min(n, track.sequence.head))
    tellUnread(track)
  }

  function countUnread(track: Track): Track {
    if (role.role === 'agent') track.unread ??= new Unread(track.sequence.known)
    return track
  }

  function tellUnread(track: Track): void {
    const count = unreadOf(track) ?? 0
    if (count === track.unreadTold) return
    track.unreadTold = count
    if (track.isMine) core.events.emit('unread', toConversation(track))
  }

  /** Records tell where a conversation stands, too, unless they are older than what the inbox said. */
  function follow(track: Track, record: WireRecord, n: number): void {
    const standing = standingAfter(track, record)
    if (n <= track.stateN || standing === undefined) return
    track.stateN = n
    track.state = standing.state
    track.agent = standing.agent
    own(track, role.isMine(track.agent))
  }

  function own(track: Track, isMine: boolean): void {
    if (track.isMine === isMine) return
    track.isMine = isMine
    role.ownershipChanged(track)
  }

  const channelOf = (conversation: ConversationId): number => core.tracker.get(conversation)?.channel ?? 0

  return {
    core,
    cursor: () => inbox.cursor,
    conversations: () => [...core.tracker.all()].map(toConversation).sort((a, b) => b.at - a.at),
    history: (conversation, range) => core.history(channelOf(conversation), { conversation, ...range }),
    async upload(conversation, file, type) {
      if (token === '') throw disconnected('there was no connection yet')
      return upload(settings.httpUrl, token, file, type, conversation)
    },
    media: (conversation, id) => core.mediaLink(channelOf(conversation), { conversation, media: id }),
    read(conversation, n) {
      const track = core.tracker.get(conversation)
      // A number that does not exist yet would be refused, and nothing be read.
      core.markRead(conversation, Math.min(n, track?.sequence.head ?? n))
      if (track !== undefined) readUpTo(track, n)
    },
  }
}

/** A conversation as callers see it: a copy. */
export function toConversation(track: Track): Conversation {
  return {
    conversation: track.conversation,
    channel: track.channel,
    contact: track.contact,
    name: track.name,
    n: track.sequence.head,
    known: track.sequence.known,
    at: track.at,
    state: track.state,
    agent: track.agent,
    isMine: track.isMine,
    marks: marksOf(track),
    unread: unreadOf(track),
  }
}

function unreadOf({ unread, isMine }: Track): number | undefined {
  return unread === undefined || isMine ? unread?.count : 0
}
