import { isDeepStrictEqual } from 'node:util'
import { KefuError, toKefuError } from '../../../errors.js'
import type { Adapter, AdapterPorts, Capabilities, ChannelDriver } from '../../core/channel-adapter.js'
import { capabilitiesOf } from '../../core/channel-capabilities.js'
import { effectiveSettings, type Missing, missingOf } from '../../core/kind-settings.js'
import { type Channel, type ChannelKind, type LaneSettings, USUAL_LANE } from '../../core/model.js'
import { channelSecrets, type VaultPort } from '../../core/vault.js'
import type { ChannelRegistry } from '../registry/channels.js'

/** What a platform's channel has done since the start. */
export type LaneCounts = {
  received: number
  duplicates: number
  /** Callbacks that were not signed by the platform. */
  refused: number
  /** Callbacks that were told to come again. */
  deferred: number
  sent: number
  retried: number
  failed: number
  unknown: number
  filesFetched: number
  filesLost: number
}

/** Why a lane waits by itself, since when (from the first of failures in a row), and until when it does (epoch ms). */
export type Obstruction = { readonly reason: string; readonly since: number; readonly until: number }

/** A configured channel behind a platform, with its adapter as the settings and secrets of this moment make it. */
export class Connection {
  readonly number: number
  channel: Channel
  /** The channel is no more: what is under way for it ends, and nothing comes in. */
  isGone = false
  readonly driver: ChannelDriver
  lane: LaneSettings = USUAL_LANE
  /** What the platform takes, with the numbers that the channel's settings say. */
  capabilities: Capabilities
  readonly counts: LaneCounts = {
    received: 0,
    duplicates: 0,
    refused: 0,
    deferred: 0,
    sent: 0,
    retried: 0,
    failed: 0,
    unknown: 0,
    filesFetched: 0,
    filesLost: 0,
  }
  /** Why the last callback was refused, and when (epoch ms). */
  lastRefusal: { readonly reason: string; readonly at: number } | undefined
  /** What keeps messages from going out. */
  obstruction: Obstruction | undefined
  /** What keeps kefu from fetching, where the platform only signals. */
  pullProblem: Obstruction | undefined
  #adapter: Adapter | undefined
  #problem: KefuError | undefined

  constructor(channel: Channel, driver: ChannelDriver) {
    this.number = channel.number
    this.channel = channel
    this.driver = driver
    this.capabilities = driver.table.capabilities
  }

  /** Why there is no adapter. */
  get problem(): KefuError | undefined {
    return this.#problem
  }

  /** Throws what keeps the channel from working. */
  get adapter(): Adapter {
    if (this.#adapter === undefined)
      throw this.#problem ?? new KefuError('KEFU_LANE_CLOSED', { reason: 'it is closed' })
    return this.#adapter
  }

  /** Takes over what is nothing to the adapter: team, bot, replies. */
  update(channel: Channel): void {
    this.channel = channel
  }

  /** Makes the adapter anew. */
  open(channel: Channel, ports: AdapterPorts, vault: Pick<VaultPort, 'secrets'>): void {
    this.channel = channel
    this.lane = { ...USUAL_LANE, ...channel.lane }
    this.obstruction = undefined
    this.#adapter = undefined
    this.#problem = undefined
    const secrets = vault.secrets(channelSecrets(channel.number))
    const set = channel.settings ?? {}
    const settings = effectiveSettings(this.driver.table, set)
    this.capabilities = capabilitiesOf(this.driver.table, settings)
    const missing = missingOf(this.driver.table, set, new Set(secrets.keys()))
    if (missing.settings.length > 0) {
      this.#problem = new KefuError('KEFU_LANE_CLOSED', { reason: `the setting ${missing.settings[0]} is not given` })
      return
    }
    try {
      this.#adapter = this.driver.open(ports, { settings, secrets })
    } catch (error) {
      this.#problem = toKefuError(error)
    }
  }
}

/** What connections stand on. */
export type ConnectionPorts = {
  readonly channels: ChannelRegistry
  readonly vault: Pick<VaultPort, 'secrets' | 'onChange'>
  readonly drivers: ReadonlyMap<ChannelKind, ChannelDriver>
  /** What the adapter of a channel gets. */
  adapters(channel: number): AdapterPorts
  /** A channel is there. */
  opened(connection: Connection): void
  /** Its settings, secrets or lane are others now. */
  changed(connection: Connection): void
  closed(connection: Connection): void
}

/** The channels behind platforms, kept as settings and secrets change. */
export class Connections {
  readonly #ports: ConnectionPorts
  readonly #byNumber = new Map<number, Connection>()
  readonly #stops: (() => void)[] = []

  constructor(ports: ConnectionPorts) {
    this.#ports = ports
  }

  start(): void {
    const { channels, vault } = this.#ports
    for (const channel of channels.list()) this.#open(channel)
    this.#stops.push(
      channels.onChange(change => {
        if (change.type === 'removed') this.#close(change.before)
        else if (change.type === 'added' || !worksAlike(change.before, change.value)) this.#open(change.value)
        else this.#byNumber.get(change.value.number)?.update(change.value)
      }),
      vault.onChange(owner => {
        const connection = this.#byNumber.get(Number(owner.slice('channel/'.length)))
        if (owner.startsWith('channel/') && connection !== undefined) this.#open(connection.channel)
      }),
    )
  }

  close(): void {
    for (const stop of this.#stops) stop()
  }

  all(): Iterable<Connection> {
    return this.#byNumber.values()
  }

  byNumber(number: number): Connection | undefined {
    return this.#byNumber.get(number)
  }

  byName(name: string): Connection | undefined {
    const channel = this.#ports.channels.byName(name)
    return channel === undefined ? undefined : this.#byNumber.get(channel.number)
  }

  /** What still has to be given before the channel can work. */
  missing({ channel, driver }: Connection): Missing {
    const secrets = this.#ports.vault.secrets(channelSecrets(channel.number))
    return missingOf(driver.table, channel.settings ?? {}, new Set(secrets.keys()))
  }

  #open(channel: Channel): void {
    const { drivers, adapters, vault } = this.#ports
    const driver = drivers.get(channel.kind)
    if (driver === undefined) return
    const present = this.#byNumber.get(channel.number)
    const connection = present ?? new Connection(channel, driver)
    connection.open(channel, adapters(channel.number), vault)
    this.#byNumber.set(channel.number, connection)
    if (present === undefined) this.#ports.opened(connection)
    else this.#ports.changed(connection)
  }

  #close(channel: Channel): void {
    const connection = this.#byNumber.get(channel.number)
    if (connection === undefined) return
    this.#byNumber.delete(channel.number)
    connection.isGone = true
    this.#ports.closed(connection)
  }
}

/** Whether an adapter and its lane would be the same: what it knows (tokens, passes) is kept then, and nothing is interrupted. */
function worksAlike(before: Channel, after: Channel): boolean {
  return isDeepStrictEqual([before.settings, before.lane], [after.settings, after.lane])
}
