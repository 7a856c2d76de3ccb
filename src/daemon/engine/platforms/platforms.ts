import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Author } from '../../../codec/wire.js'
import { isKefuError, KefuError } from '../../../errors.js'
import type { AdapterPorts, CallbackAnswer, ChannelDriver, CheckStep, SendOutcome } from '../../core/channel-adapter.js'
import { namedStep } from '../../core/check-step.js'
import { effectiveSettings, type Missing } from '../../core/kind-settings.js'
import type { MediaPort } from '../../core/media.js'
import type { ChannelKind, Head, LaneSettings } from '../../core/model.js'
import type { RandomBytes } from '../../core/ordered-id.js'
import type { Clock, Store } from '../../core/ports.js'
import { type Credential, channelSecrets, type VaultPort } from '../../core/vault.js'
import type { ChannelRegistry } from '../registry/channels.js'
import type { Tokens } from '../session/tokens.js'
import { type Arriving, Bodies } from './bodies.js'
import { type Connection, Connections, type LaneCounts, type Obstruction } from './connection.js'
import { Egress } from './egress.js'
import { FileFetches } from './file-fetches.js'
import { Inbound } from './inbound.js'
import { Ingress } from './ingress.js'
import { Pulls } from './pulls.js'
import { Quota } from './quota.js'
import { Turns } from './turns.js'

/** What channels behind platforms stand on. */
export type PlatformPorts = {
  readonly store: Pick<Store, 'log' | 'directory' | 'outbox' | 'refusal'>
  readonly clock: Clock
  readonly random: RandomBytes
  readonly tokens: Pick<Tokens, 'conversationId'>
  readonly media: Pick<MediaPort, 'put' | 'keep' | 'open'>
  readonly channels: ChannelRegistry
  readonly vault: Pick<VaultPort, 'secrets' | 'onChange'>
  readonly drivers: ReadonlyMap<ChannelKind, ChannelDriver>
  /** What the adapter of a channel gets. */
  adapters(channel: number): AdapterPorts
  /** A message of a conversation has arrived on the platform. */
  delivered(head: Head, by: Author, n: number): void
  /** An error that no caller waits for. */
  report(error: unknown): void
}

/** What a lane shows. */
export type LaneReading = {
  readonly settings: LaneSettings
  readonly counts: Readonly<LaneCounts>
  readonly inFlight: number
  readonly sending: number
  /** What still has to be given before the channel can work. */
  readonly missing: Missing
  /** Why there is no working adapter. */
  readonly problem?: string
  readonly obstruction?: Obstruction
  readonly pullProblem?: Obstruction
  readonly lastRefusal?: { readonly reason: string; readonly at: number }
}

type Lanes = { readonly ingress: Ingress; readonly egress: Egress }

const TYPING_TIMEOUT_MS = 5_000

/** The channels behind platforms: what comes in, what goes out, and what operators see of it. A slow or flooding one delays no other. */
export class Platforms {
  readonly #ports: PlatformPorts
  readonly #connections: Connections
  readonly #inbound: Inbound
  readonly #files: FileFetches
  readonly #pulls: Pulls
  readonly #quota: Quota
  readonly #bodies = new Bodies()
  readonly #turns: Turns<Connection>
  readonly #lanes = new Map<Connection, Lanes>()
  readonly #closing = new Set<Promise<void>>()

  constructor(ports: PlatformPorts) {
    const { store, clock, random, tokens, media, channels, vault, drivers, adapters } = ports
    const { log, directory } = store
    const report = (error: unknown): void => ports.report(error)
    const connection = (number: number): Connection | undefined => this.#connections.byNumber(number)
    this.#ports = ports
    this.#quota = new Quota(log)
    this.#turns = new Turns(clock)
    const refusal = () => store.refusal()
    this.#files = new FileFetches({ directory, log, media, clock, random, refusal, connection, report })
    this.#inbound = new Inbound({
      log,
      tokens,
      media,
      files: this.#files,
      permitted: (connection, conversation) => this.#lanes.get(connection)?.egress.permitted(conversation),
    })
    this.#pulls = new Pulls({ directory, clock, inbound: this.#inbound, report })
    this.#connections = new Connections({
      channels,
      vault,
      drivers,
      adapters,
      opened: connection => this.#opened(connection),
      changed: connection => {
        const lanes = this.#lanes.get(connection)
        lanes?.ingress.changed()
        lanes?.egress.changed()
      },
      closed: connection => this.#closed(connection),
    })
  }

  /** Opens the channels, and goes on with what an earlier process left. */
  async start(): Promise<void> {
    this.#connections.start()
    await this.#files.load()
    const { channels, report } = this.#ports
    await this.#pulls.removeStrays(number => channels.byNumber(number) !== undefined).catch(report)
  }

  /** Stops sending and fetching; what runs is waited for, or cut after some seconds. */
  async close(): Promise<void> {
    this.#connections.close()
    const egresses = [...this.#lanes.values()].map(({ egress }) => egress.close())
    await Promise.all([...egresses, ...this.#closing, this.#pulls.close(), this.#files.close()])
  }

  /** Takes a request to a channel's callback address, as `Ingress.take` does. Throws `KEFU_NOT_FOUND` for a channel that takes none. */
  async receive(name: string, arriving: Arriving): Promise<CallbackAnswer> {
    const connection = this.#connections.byName(name)
    const lanes = connection === undefined ? undefined : this.#lanes.get(connection)
    if (lanes === undefined) throw new KefuError('KEFU_NOT_FOUND')
    return await lanes.ingress.take(arriving)
  }

  /** Fetches no files of a conversation any more. Throws what the directory throws. */
  forgetFiles(conversation: ConversationId): Promise<void> {
    return this.#files.forgetAll(conversation)
  }

  /** What a lane does; undefined for a channel that has none. */
  lane(number: number): LaneReading | undefined {
    const connection = this.#connections.byNumber(number)
    const lanes = connection === undefined ? undefined : this.#lanes.get(connection)
    if (connection === undefined || lanes === undefined) return undefined
    const { lane: settings, counts, problem, obstruction, pullProblem, lastRefusal } = connection
    return {
      settings,
      counts,
      inFlight: lanes.ingress.inFlight,
      sending: lanes.egress.sending,
      missing: this.#connections.missing(connection),
      ...(problem === undefined ? {} : { problem: problem.message }),
      ...(obstruction === undefined ? {} : { obstruction }),
      ...(pullProblem === undefined ? {} : { pullProblem }),
      ...(lastRefusal === undefined ? {} : { lastRefusal }),
    }
  }

  /**
   * Has a channel check itself, with its own secrets or others, until the signal ends it. Throws what keeps it from working at all, `KEFU_PLATFORM_UNAVAILABLE` when
   * the signal is that of a deadline.
   */
  async check(
    number: number,
    abort: AbortSignal,
    secrets?: ReadonlyMap<string, Credential>,
  ): Promise<readonly CheckStep[]> {
    const { adapters, vault } = this.#ports
    const { driver, channel } = this.#connection(number)
    const adapter = driver.open(adapters(number), {
      settings: effectiveSettings(driver.table, channel.settings ?? {}),
      secrets: secrets ?? vault.secrets(channelSecrets(number)),
    })
    try {
      return (await adapter.check(abort)).map(step => namedStep(step, channel.name))
    } catch (error) {
      if (!isKefuError(error, 'KEFU_ABORTED') || !isTimeout(abort)) throw error
      throw new KefuError('KEFU_PLATFORM_UNAVAILABLE', { reason: 'the check was not done in time' }, { cause: error })
    }
  }

  /** Sends a text to a contact of the platform past the outbox, to try the channel. */
  sendTest(number: number, contact: string, text: string, id: string, abort: AbortSignal): Promise<SendOutcome> {
    const { adapter } = this.#connection(number)
    return adapter.send({ contact, n: 0, piece: 0, id }, { part: { type: 'text', text } }, abort)
  }

  /** Tells the contact on its platform that somebody is typing, where it can be told. */
  typing({ channel, contact }: Head, isTyping: boolean): void {
    const connection = this.#connections.byNumber(channel)
    if (connection === undefined || connection.problem !== undefined || connection.lane.isOutPaused) return
    // Best effort: whatever becomes of it is of no interest.
    connection.adapter.typing?.(contact, isTyping, AbortSignal.timeout(TYPING_TIMEOUT_MS)).catch(() => undefined)
  }

  #connection(number: number): Connection {
    const connection = this.#connections.byNumber(number)
    if (connection === undefined) throw new KefuError('KEFU_USAGE', { reason: 'this channel is not behind a platform' })
    return connection
  }

  #opened(connection: Connection): void {
    const { store, clock, media, delivered, report } = this.#ports
    const shared = { inbound: this.#inbound, pulls: this.#pulls, bodies: this.#bodies, turns: this.#turns, report }
    const ingress = new Ingress({ store, clock, ...shared }, connection)
    const { outbox, log } = store
    const egress = new Egress({ outbox, log, media, clock, quota: this.#quota, delivered, report }, connection)
    this.#lanes.set(connection, { ingress, egress })
    egress.start().catch(report)
    this.#pulls.opened(connection).catch(report)
  }

  #closed(connection: Connection): void {
    const lanes = this.#lanes.get(connection)
    this.#lanes.delete(connection)
    this.#pulls.closed(connection)
    if (lanes === undefined) return
    const closing = lanes.egress.close().finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}

function isTimeout({ reason }: AbortSignal): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
}
