import { randomBytes } from 'node:crypto'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import type { Part } from '../../../src/codec/wire.js'
import type {
  Adapter,
  CallbackAnswer,
  ChannelDriver,
  FetchedFile,
  InboundEvent,
  KindTable,
  OutboundPiece,
  Pulled,
  PullSignal,
  Recipient,
  SendOutcome,
} from '../../../src/daemon/core/channel-adapter.js'
import type { MediaUpload } from '../../../src/daemon/core/media.js'
import type { Store } from '../../../src/daemon/core/ports.js'
import type { RecordBody } from '../../../src/daemon/core/records.js'
import type { Arriving } from '../../../src/daemon/engine/platforms/bodies.js'
import { Platforms } from '../../../src/daemon/engine/platforms/platforms.js'
import { type ChannelRegistry, createChannels } from '../../../src/daemon/engine/registry/channels.js'
import { createTokens, type Tokens } from '../../../src/daemon/engine/session/tokens.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { KefuError } from '../../../src/errors.js'
import { createManualClock } from '../../helpers/manual-clock.js'

/** A platform of the tests: callbacks are events as JSON, and what becomes of sending is what the test says. */
const TABLE: KindTable = {
  kind: 'webhook',
  title: { zh: '测试', en: 'test' },
  settings: {
    region: { type: 'choice', choices: ['cn', 'sg'], default: 'cn', summary: 'where it is' },
    'text-limit': { type: 'integer', min: 4, max: 100, default: 10, summary: 'longest text' },
  },
  credentials: { secret: { summary: 'its secret', neededFor: 'outbound', isRequired: false } },
  capabilities: {
    inbound: ['text', 'image', 'event'],
    outbound: ['text', 'image'],
    text: { unit: 'characters', max: 10 },
    mediaLimitBytes: { image: 100 },
    grants: { message: { messages: 3, windowMs: 48 * 3_600_000 } },
    recognisesRepeats: false,
  },
}

export const ANSWER: CallbackAnswer = { status: 200, contentType: 'text/plain', body: 'success' }
export const text = (value: string) => ({ type: 'text', text: value }) as const

/** Channels behind a platform of the test, on the memory store and a manual clock. */
export class PlatformRig {
  readonly clock = createManualClock()
  readonly sent: { readonly to: Recipient; readonly piece: OutboundPiece }[] = []
  readonly reported: unknown[] = []
  readonly files = new Map<string, MediaUpload>()
  /** Files that are not removed any more. */
  readonly kept: string[] = []
  readonly delivered: string[] = []
  readonly pulled: (readonly [PullSignal, string | undefined])[] = []
  /** What always becomes of a text. */
  readonly refusals = new Map<string, SendOutcome>()
  /** What becomes of the next sends of other texts, then `sent`. */
  outcomes: (SendOutcome | Promise<SendOutcome> | Error | 'until it is cut')[] = []
  pages: (Pulled | Error)[] = []
  fetchFile: (source: string) => Promise<FetchedFile> = async () => ({ bytes: new Uint8Array(3), type: 'image/png' })
  hasWindows = false
  /** How often an adapter was made. */
  opened = 0
  recognisesRepeats = false
  store: Store = createMemoryStore({ clock: this.clock })
  channels!: ChannelRegistry
  tokens!: Tokens
  platforms!: Platforms
  readonly #secret = randomBytes(32)

  /** A rig with the channel `shop`. */
  static async create(
    options: Partial<Pick<PlatformRig, 'hasWindows' | 'recognisesRepeats'>> = {},
  ): Promise<PlatformRig> {
    const rig = Object.assign(new PlatformRig(), options)
    await rig.start()
    await rig.channels.add({ kind: 'webhook', name: 'shop' })
    return rig
  }

  /** A new process over the present store. */
  async start(): Promise<void> {
    const { clock, store } = this
    const random = (length: number) => randomBytes(length)
    const grants = this.hasWindows ? TABLE.capabilities.grants : {}
    const capabilities = { ...TABLE.capabilities, grants, recognisesRepeats: this.recognisesRepeats }
    const table: KindTable = { ...TABLE, capabilities }
    const driver: ChannelDriver = { table, open: () => this.#adapter() }
    this.channels = await createChannels({ directory: store.directory, clock, random, table: () => table })
    this.tokens = createTokens({ secret: this.#secret, clock, random })
    this.platforms = new Platforms({
      ...{ store, clock, random, tokens: this.tokens, channels: this.channels },
      media: {
        put: async upload => {
          const media = upload.media ?? 'md_00000000000000000000000000'
          this.files.set(media, upload)
          return { ...upload, media, type: 'image/png', sizeBytes: upload.bytes.length, sha256: '', createdAt: 0 }
        },
        keep: async (_, media) => {
          const isThere = this.files.has(media)
          if (isThere) this.kept.push(media)
          return isThere
        },
        open: async (conversation, media) => {
          const upload = this.files.get(media)
          if (upload === undefined) throw new KefuError('KEFU_MEDIA_NOT_FOUND')
          const { bytes } = upload
          const meta = { conversation, media: media as never, type: 'image/png' as const, sizeBytes: bytes.length }
          return {
            meta: { ...meta, sha256: '', createdAt: 0, uploader: '' },
            zstdBytes: undefined,
            read: async () => bytes,
          }
        },
      },
      vault: { secrets: () => new Map(), onChange: () => () => undefined },
      drivers: new Map([['webhook', driver]]),
      adapters: () => ({ http: { call: () => Promise.reject(new Error('not here')) }, clock, random }),
      delivered: (head, _, n) => this.delivered.push(`${head.contact} ${n}`),
      report: error => this.reported.push(error),
    })
    await this.platforms.start()
  }

  async stop(): Promise<void> {
    const closing = this.platforms.close()
    this.clock.advance(5_000)
    await closing
  }

  /** A callback with events. */
  receive(...events: readonly InboundEvent[]): Promise<CallbackAnswer> {
    return this.platforms.receive('shop', this.callback(...events))
  }

  /** The request that brings events. */
  callback(...events: readonly InboundEvent[]): Arriving {
    return this.arriving(Buffer.from(JSON.stringify(events)))
  }

  /** A request with a body. */
  arriving(bytes: Buffer): Arriving {
    const rest = { method: 'POST', query: new URLSearchParams(), header: () => undefined } as const
    return { limitBytes: bytes.length, read: async () => ({ ...rest, bytes, arrivedAtMs: this.clock.now() }) }
  }

  /** A contact's message. */
  event(key: string, change: Partial<InboundEvent> = {}): InboundEvent {
    const parts = [text(key)]
    const grant = this.hasWindows ? { grant: 'message' } : {}
    return {
      key,
      contact: 'u1',
      sentAtMs: this.clock.now(),
      type: 'message',
      parts,
      ...grant,
      ...change,
    } as InboundEvent
  }

  conversation(contact = 'u1'): ConversationId {
    return this.tokens.conversationId(1, contact)
  }

  /** An agent's answer; its number. */
  async answer(id: string, parts: readonly Part[] = [text(id)], contact = 'u1'): Promise<number> {
    const by = { role: 'agent', id: 'a_1' } as const
    const { n } = await this.store.log.append(this.conversation(contact), [{ type: 'message', by, id, parts }], { id })
    return n
  }

  async records(contact = 'u1'): Promise<RecordBody[]> {
    return (await this.store.log.read(this.conversation(contact), 0, 500, Number.POSITIVE_INFINITY)).map(
      ({ body }) => body,
    )
  }

  /** What the outbox holds, as `n state`. */
  async outbox(): Promise<string[]> {
    const { rows } = await this.store.outbox.rows({ limit: 100 })
    return rows.map(({ n, state }) => `${n} ${state}`)
  }

  /** The texts that were sent, in order. */
  get texts(): string[] {
    return this.sent.map(({ piece: { part } }) => (part.type === 'text' ? part.text : part.type))
  }

  /** Lets everything that can happen without time passing happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 60; turn++) await new Promise(resolve => setImmediate(resolve))
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    await this.settle()
  }

  #adapter(): Adapter {
    this.opened++
    return {
      receive: ({ bytes }) => {
        const body: unknown = JSON.parse(Buffer.from(bytes).toString())
        if (!Array.isArray(body)) throw new KefuError('KEFU_CALLBACK_REFUSED', { reason: 'not signed' })
        const [first] = body
        if (first?.signal !== undefined) return { answer: ANSWER, events: [], signal: first.signal }
        return { answer: ANSWER, events: body }
      },
      pull: async (signal, cursor) => {
        this.pulled.push([signal, cursor])
        const page = this.pages.shift() ?? { events: [], cursor: cursor ?? '', hasMore: false }
        if (page instanceof Error) throw page
        return page
      },
      send: async (to, piece, abort) => {
        const refusal = piece.part.type === 'text' ? this.refusals.get(piece.part.text) : undefined
        const outcome = refusal ?? (await this.outcomes.shift()) ?? { type: 'sent' }
        if (outcome === 'until it is cut') {
          await new Promise(resolve => abort.addEventListener('abort', resolve))
          return { type: 'unknown', reason: 'it was cut' }
        }
        if (outcome instanceof Error) throw outcome
        if (outcome.type === 'sent' || outcome.type === 'unknown') this.sent.push({ to, piece })
        return outcome
      },
      fetchFile: source => this.fetchFile(source),
      check: async () => [{ step: 'signature', result: 'ok' }],
    }
  }
}
