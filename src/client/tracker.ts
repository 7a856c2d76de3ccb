import type { ConversationId } from '../codec/conversation-id.js'
import type { PageBody, WireRecord } from '../codec/wire.js'
import type { ConversationState } from '../codec/wire-commands.js'
import { KefuError } from '../errors.js'
import { Sequence } from './sequence.js'
import type { Answer } from './session-role.js'
import type { Unread } from './unread.js'

/** One record of a conversation, as listeners get it. */
export type RecordEvent = {
  readonly conversation: ConversationId
  /** Channel number, 0 while it is not known. */
  readonly channel: number
  /** Agents and apps: the contact's id, where it is known. */
  readonly contact: string | undefined
  readonly n: number
  /** Epoch ms: the server's; of an own message that has not come back from the server, the time of its acknowledgement. */
  readonly at: number
  readonly record: WireRecord
  /** Written by this client's own contact or agent, on whichever device. */
  readonly own: boolean
}

/** A conversation that a client follows. */
export class Track {
  readonly conversation: ConversationId
  readonly sequence: Sequence<RecordEvent>
  channel: number
  contact: string | undefined
  name: string | undefined
  /** Whether the server shows it: agents have to have it, visitors and apps always do. */
  isMine = false
  state: ConversationState | undefined
  agent: string | undefined
  /** How far the other side has got. */
  delivered = 0
  read = 0
  /** Agents: what is unread, and the count that listeners know. */
  unread: Unread | undefined
  unreadTold = 0
  /** Number of the record that `isMine`, `state` and `agent` are known from. */
  stateN = 0
  /** Epoch ms of the last activity. */
  at = 0
  /** Last number in order when the present connection was made: the server had that much, so it has it now. */
  knownBefore = 0
  /** Monotonic instant of the last record that came. */
  progressAt = 0
  pull: 'none' | 'wanted' | 'running' = 'none'
  /** A pull failed for a reason that another one would not change; until the next connection. */
  isStuck = false

  constructor(conversation: ConversationId, known: number, channel: number, contact: string | undefined) {
    this.conversation = conversation
    this.sequence = new Sequence(known)
    this.channel = channel
    this.contact = contact
  }
}

/** What a tracker works with. */
export type TrackerPorts = {
  /** Requests the records of a conversation after a number. */
  readonly fetch: (track: Track, after: number, answer: Answer) => void
  /** Own messages that were sent and may explain missing numbers. */
  readonly inFlight: (track: Track) => number
  /** Gets every record of every conversation once, in order per conversation. */
  readonly emit: (event: RecordEvent) => void
  /** Makes an event of a record; called once for each that arrives, in whatever order. */
  readonly arrived: (track: Track, n: number, at: number, record: WireRecord) => RecordEvent
  /** The conversation is not this client's any more. */
  readonly refused: (track: Track) => void
  /** A pull failed for good. */
  readonly failed: (error: KefuError) => void
  /** The server contradicts itself. */
  readonly violated: (error: KefuError) => void
  readonly monotonicMs: () => number
  readonly sweepSoon: () => void
}

/** Pulls that run at once. */
const PULL_LIMIT = 4
/** How long a hole may stand that an acknowledgement or a page on its way may yet fill. */
const GRACE_MS = 2_000
/** Records that may wait beyond holes, of all conversations: others are fetched when the hole is filled. */
const HELD_LIMIT = 10_000
/** Conversations looked at to find one that can be forgotten. */
const EVICTION_PROBES = 16

/**
 * The conversations of a client, each made contiguous: what is missing is pulled with `history`. A hole that a record behind it proves is pulled at once,
 * any other when it has stood for two seconds. Past the limit an old conversation is forgotten, if possible one that lacks nothing; seen again, it is new.
 */
export class Tracker {
  readonly #ports: TrackerPorts
  readonly #limit: number
  readonly #tracks = new Map<ConversationId, Track>()
  /** For apps, whose contacts name their conversations; elsewhere contacts of two channels may share a name. */
  readonly #byContact = new Map<string, Track>()
  readonly #wanted = new Set<Track>()
  readonly #suspects = new Set<Track>()
  #running = 0
  #isPulling = false
  /** Records of all conversations that wait beyond a hole. */
  #held = 0
  // Answers of an earlier connection do not count.
  #connection = 0

  constructor(ports: TrackerPorts, limit: number) {
    this.#ports = ports
    this.#limit = limit
  }

  get(conversation: ConversationId): Track | undefined {
    return this.#tracks.get(conversation)
  }

  /** The conversation of an app's contact. */
  ofContact(contact: string): Track | undefined {
    return this.#byContact.get(contact)
  }

  /** Notes whose conversation it is. */
  name(track: Track, contact: string): void {
    track.contact = contact
    this.#byContact.set(contact, track)
  }

  all(): IterableIterator<Track> {
    return this.#tracks.values()
  }

  /** Whether nothing is missing anywhere. */
  get isIdle(): boolean {
    return this.#suspects.size === 0 && this.#wanted.size === 0 && this.#running === 0
  }

  /** Follows a conversation from here on. */
  add(track: Track): Track {
    if (this.#tracks.size >= this.#limit) this.#evict()
    track.progressAt = this.#ports.monotonicMs()
    this.#tracks.set(track.conversation, track)
    if (track.contact !== undefined) this.#byContact.set(track.contact, track)
    return track
  }

  /** Forgets a conversation. */
  drop(track: Track): void {
    if (!this.#tracks.delete(track.conversation)) return
    this.#held -= track.sequence.held
    if (track.contact !== undefined && this.#byContact.get(track.contact) === track)
      this.#byContact.delete(track.contact)
    this.#wanted.delete(track)
    this.#suspects.delete(track)
    track.pull = 'none'
  }

  /** A record that was pushed. */
  deliver(track: Track, n: number, at: number, record: WireRecord): void {
    this.#accept(track, this.#ports.arrived(track, n, at, record))
    const { missing } = track.sequence
    if (missing === 0) return
    if (missing > this.#ports.inFlight(track)) this.#want(track)
    else this.#suspect(track)
  }

  /** An own message that was acknowledged. */
  acknowledged(track: Track, event: RecordEvent): void {
    this.#accept(track, event)
    if (track.sequence.missing > 0) this.#suspect(track)
  }

  /** A page that was pushed: more of them may follow. */
  pushed(track: Track, page: PageBody): void {
    this.#take(track, page)
    if (track.sequence.missing > 0) this.#suspect(track)
  }

  /** Records up to `head` exist: they are pulled, or with `isPushed` waited for. */
  expect(track: Track, head: number, isPushed: boolean): void {
    track.sequence.expect(head)
    if (track.sequence.missing === 0) return
    if (isPushed) this.#suspect(track)
    else this.#want(track)
  }

  /** A connection is ready. With `isPushed` the server sends what is missing by itself. */
  connected(isPushed: boolean): void {
    for (const track of this.#tracks.values()) {
      track.isStuck = false
      track.knownBefore = track.sequence.known
      if (track.sequence.missing > 0 && track.isMine) this.expect(track, 0, isPushed)
    }
  }

  /** The connection is gone. */
  disconnected(): void {
    this.#connection++
    this.#running = 0
    this.#wanted.clear()
    this.#suspects.clear()
    for (const track of this.#tracks.values()) track.pull = 'none'
  }

  /** Pulls what has been missing for too long. */
  sweep(): void {
    const now = this.#ports.monotonicMs()
    for (const track of this.#suspects) {
      if (track.sequence.missing === 0 || track.isStuck || !track.isMine) this.#suspects.delete(track)
      else if (now - track.progressAt >= GRACE_MS) this.#want(track)
    }
  }

  #accept(track: Track, event: RecordEvent): void {
    track.progressAt = this.#ports.monotonicMs()
    const { sequence } = track
    const before = sequence.held
    sequence.accept(event, this.#ports.emit, this.#held < HELD_LIMIT)
    this.#held += sequence.held - before
  }

  #take(track: Track, page: PageBody): void {
    for (const { n, at, record } of page.records) this.#accept(track, this.#ports.arrived(track, n, at, record))
    track.sequence.expect(page.head)
  }

  #suspect(track: Track): void {
    if (track.pull !== 'none' || track.isStuck || !track.isMine) return
    if (this.#suspects.size === 0) this.#ports.sweepSoon()
    this.#suspects.add(track)
  }

  #want(track: Track): void {
    if (track.pull !== 'none' || track.isStuck || !track.isMine) return
    this.#suspects.delete(track)
    this.#wanted.add(track)
    track.pull = 'wanted'
    this.#pullNext()
  }

  #pullNext(): void {
    // Without a connection answers come at once: those must not start the next pulls from within.
    if (this.#isPulling) return
    this.#isPulling = true
    for (const track of this.#wanted) {
      if (this.#running >= PULL_LIMIT) break
      this.#wanted.delete(track)
      if (track.sequence.missing === 0 || !track.isMine) {
        track.pull = 'none'
        continue
      }
      this.#running++
      track.pull = 'running'
      const connection = this.#connection
      const after = track.sequence.known
      this.#ports.fetch(track, after, (frame, error) => {
        if (connection !== this.#connection) return
        this.#running--
        track.pull = 'none'
        // Forgotten meanwhile.
        if (this.#tracks.get(track.conversation) !== track) {
          this.#pullNext()
          return
        }
        if (frame?.kind === 'page') this.#pulled(track, after, frame.body)
        else this.#pullFailed(track, error ?? new KefuError('KEFU_FRAME_INVALID', { reason: 'history without a page' }))
        this.#pullNext()
      })
    }
    this.#isPulling = false
  }

  #pulled(track: Track, after: number, page: PageBody): void {
    // A server that has less than this client knows begins at its end.
    const isAnswer = page.conversation === track.conversation && page.after === Math.min(after, page.head)
    if (!isAnswer || (page.records.length === 0 && page.head > after)) {
      this.#ports.violated(new KefuError('KEFU_FRAME_INVALID', { reason: 'a page lacks the records it was asked for' }))
      return
    }
    this.#take(track, page)
    if (track.sequence.missing === 0) return
    // An empty page at its head: what is missing is not there yet, or only this client believes in it.
    if (page.records.length === 0) this.#suspect(track)
    else this.#want(track)
  }

  #pullFailed(track: Track, error: KefuError): void {
    if (error.code === 'KEFU_CONVERSATION_NOT_FOUND') {
      this.#ports.refused(track)
    } else if (error.retryable) {
      track.progressAt = this.#ports.monotonicMs()
      this.#suspect(track)
    } else {
      track.isStuck = true
      this.#ports.failed(error)
    }
  }

  #evict(): void {
    let oldest: Track | undefined
    let probes = EVICTION_PROBES
    for (const track of this.#tracks.values()) {
      oldest ??= track
      const isAtRest = track.sequence.missing === 0 && track.pull === 'none'
      if (isAtRest || --probes === 0) {
        this.drop(isAtRest ? track : oldest)
        return
      }
    }
  }
}
