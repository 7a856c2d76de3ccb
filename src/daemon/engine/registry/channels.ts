import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { REPLY_OCCASIONS, type ReplyOccasion } from '../../../codec/wire.js'
import { KefuError } from '../../../errors.js'
import { suggestion } from '../../../nearest.js'
import type { KindTable, SettingValues } from '../../core/channel-adapter.js'
import { entityName } from '../../core/entity-name.js'
import { changedSettings, type SettingChange } from '../../core/kind-settings.js'
import {
  CHANNEL_KIND_NAMES,
  type Channel,
  type ChannelKind,
  type LaneSettings,
  type Replies,
} from '../../core/model.js'
import type { RandomBytes } from '../../core/ordered-id.js'
import type { Clock, DirectoryPort } from '../../core/ports.js'
import { issueAccessToken, randomSecret, TOKEN_LIMIT, TOKEN_PREFIX, TokenIndex } from './access-tokens.js'
import { tokenEntrySchema } from './agents.js'
import { changedLane } from './channel-lane.js'
import { changedVoice, type VoiceChange } from './channel-settings.js'
import { Registry, type RegistryChange } from './registry.js'
import { changedRetention, type RetentionChange, retentionSchema } from './retention-settings.js'

/** What channels stand on. */
export type ChannelPorts = {
  readonly directory: DirectoryPort
  readonly clock: Pick<Clock, 'now'>
  readonly random: RandomBytes
  /** What the settings of a kind are; a kind without a table has none. */
  readonly table?: (kind: ChannelKind) => KindTable | undefined
}

/** A channel as it is asked for. `origins` are for web channels: `https://shop.example`, without a path. `team`: the id of one that exists. */
export type ChannelSpec = {
  readonly kind: ChannelKind
  readonly name: string
  readonly origins?: readonly string[]
  readonly team?: string
  readonly settings?: SettingChange
}

/** What is to be changed of a channel; what is not named stays. `team`, `bot`: the id of one that exists; null for none. */
export type ChannelChange = VoiceChange & {
  readonly origins?: readonly string[]
  readonly team?: string | null
  readonly bot?: string | null
  readonly settings?: SettingChange
  readonly lane?: Partial<LaneSettings>
  /** Days, or null for ever; what is not named stays. */
  readonly retain?: RetentionChange
}

/** What adding did. Secrets are given for a new channel only, and never again: `token` of an app, `identitySecret` of a web channel. */
export type ChannelAdded = {
  readonly channel: Channel
  readonly token?: string
  readonly identitySecret?: string
  readonly changed: boolean
}

/** The configured connections. Look-ups are synchronous and never wait; changes are durable when their promise resolves. */
export type ChannelRegistry = {
  /**
   * Makes a channel with a number of its own, or finds the same one. Throws `KEFU_CHANNEL_EXISTS` when the name has another kind, other
   * origins or another team, `KEFU_USAGE` for a name or origin that is none, `KEFU_CHANNEL_NUMBERS_USED`.
   */
  add(spec: ChannelSpec): Promise<ChannelAdded>
  /** Replaces the origins of a web channel, the team or the bot of any, or what it says by itself. Throws `KEFU_CHANNEL_NOT_FOUND`, `KEFU_USAGE`. */
  set(name: string, change: ChannelChange): Promise<{ readonly channel: Channel; readonly changed: boolean }>
  /**
   * A new token of an app channel, beside those that exist or instead of them (`replace`). Throws `KEFU_CHANNEL_NOT_FOUND`, `KEFU_TOKENS_USED`
   * for the seventeenth, `KEFU_CHANNEL_WITHOUT_TOKENS` for a channel that is connected to without a token.
   */
  issueToken(
    name: string,
    options?: { readonly replace?: boolean },
  ): Promise<{ readonly channel: Channel; readonly token: string }>
  /** Throws `KEFU_CHANNEL_NOT_FOUND` with the nearest name. */
  show(name: string): Channel
  /** All channels, by name. The same array until something changes. */
  list(): readonly Channel[]
  /** Removes a channel; its tokens end, its conversations stay in the log, its number is never given out again. Throws `KEFU_CHANNEL_NOT_FOUND`. */
  remove(name: string): Promise<Channel>
  byName(name: string): Channel | undefined
  byNumber(number: number): Channel | undefined
  /** The app channel whose token it is; `undefined` for any other text. In constant time. */
  byToken(token: string): Channel | undefined
  /** Calls back after every durable change, in order; the callback must not throw. Returns the function that ends it. */
  onChange(callback: (change: RegistryChange<Channel>) => void): () => void
}

/** Largest channel number: it travels as 16 bits, and 0 is the connection itself. */
const NUMBER_LIMIT = 0xffff
const ORIGIN_LIMIT = 64
const PREFIX = 'channel/'
const COUNTER = 'counter/channel-number'

const repliesSchema: z.ZodType<Replies> = z
  .partialRecord(z.enum(Object.keys(REPLY_OCCASIONS) as [ReplyOccasion, ...ReplyOccasion[]]), z.string())
  .readonly()

const laneSchema: z.ZodType<Partial<LaneSettings>> = z.object({
  inLimit: z.int().exactOptional(),
  inPerSecond: z.number().exactOptional(),
  outConcurrency: z.int().exactOptional(),
  outPerSecond: z.number().exactOptional(),
  isInPaused: z.boolean().exactOptional(),
  isOutPaused: z.boolean().exactOptional(),
})

const channelSchema: z.ZodType<Channel> = z.object({
  number: z.int().min(1).max(NUMBER_LIMIT),
  name: z.string(),
  kind: z.enum(CHANNEL_KIND_NAMES),
  origins: z.array(z.string()).readonly(),
  tokens: z.array(tokenEntrySchema).readonly(),
  identitySecret: z.string().exactOptional(),
  replies: z.record(z.string(), repliesSchema).readonly().exactOptional(),
  language: z.string().exactOptional(),
  idle: z.object({ warnAfterMs: z.int().exactOptional(), closeAfterMs: z.int() }).readonly().exactOptional(),
  team: z.string().exactOptional(),
  bot: z.string().exactOptional(),
  settings: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .readonly()
    .exactOptional(),
  lane: laneSchema.exactOptional(),
  retain: retentionSchema.exactOptional(),
  createdAt: z.int(),
})

/** The channels of a directory. Throws `KEFU_STORE_CORRUPT` for an entry that is none. */
export async function createChannels({ directory, clock, random, table }: ChannelPorts): Promise<ChannelRegistry> {
  const registry = await Registry.load(directory, PREFIX, channelSchema)
  const byToken = new TokenIndex<Channel>(TOKEN_PREFIX.app)
  const byNumber = new Map<number, Channel>()
  for (const channel of registry.list()) {
    byToken.replace([], channel.tokens, channel)
    byNumber.set(channel.number, channel)
  }
  registry.onChange(change => {
    const before = change.type === 'added' ? undefined : change.before
    if (before !== undefined) byToken.replace(before.tokens, [], before)
    if (change.type === 'removed') byNumber.delete(change.before.number)
    else {
      byToken.replace([], change.value.tokens, change.value)
      byNumber.set(change.value.number, change.value)
    }
  })

  const show = (text: string): Channel => {
    const name = entityName(text)
    const channel = registry.get(name)
    if (channel !== undefined) return channel
    const names = registry.list().map(known => known.name)
    throw new KefuError('KEFU_CHANNEL_NOT_FOUND', { name, suggestion: suggestion(name, names) })
  }

  const settingsOf = (kind: ChannelKind, before: SettingValues, change: SettingChange): SettingValues => {
    const rows = table?.(kind)
    if (rows !== undefined) return changedSettings(rows, before, change)
    const [first] = Object.keys(change)
    if (first === undefined) return before
    throw new KefuError('KEFU_USAGE', { reason: `a channel of kind ${kind} has no setting ${first}` })
  }

  return {
    show,
    list: () => registry.list(),
    byName: name => registry.get(name.normalize('NFC')),
    byNumber: number => byNumber.get(number),
    byToken: token => byToken.find(token),
    onChange: callback => registry.onChange(callback),
    async add(spec) {
      const { kind } = spec
      const team = spec.team === undefined ? {} : { team: spec.team }
      const name = entityName(spec.name)
      const origins = checkedOrigins(kind, spec.origins ?? [])
      const set = settingsOf(kind, {}, spec.settings ?? {})
      return registry.exclusive(async () => {
        const present = registry.get(name)
        if (present !== undefined) {
          if (
            present.kind !== kind ||
            !isSame(present.origins, origins) ||
            present.team !== spec.team ||
            !contains(present, set)
          )
            throw new KefuError('KEFU_CHANNEL_EXISTS', { name })
          return { channel: present, changed: false }
        }
        const createdAt = clock.now()
        const number = await nextNumber(directory)
        if (kind === 'app') {
          const { token, entry } = issueAccessToken(TOKEN_PREFIX.app, random, createdAt)
          const channel: Channel = { number, name, kind, origins, tokens: [entry], ...team, createdAt }
          await registry.create(channel)
          return { channel, token, changed: true }
        }
        if (kind !== 'web') {
          const channel: Channel = { number, name, kind, origins, tokens: [], settings: set, ...team, createdAt }
          await registry.create(channel)
          return { channel, changed: true }
        }
        const identitySecret = randomSecret(random)
        const channel: Channel = { number, name, kind, origins, tokens: [], identitySecret, ...team, createdAt }
        await registry.create(channel)
        return { channel, identitySecret, changed: true }
      })
    },
    set: (name, change) =>
      registry.exclusive(async () => {
        const present = show(name)
        const { team: teamBefore, bot: botBefore, language, replies, idle, retain: before, ...rest } = present
        const origins = change.origins === undefined ? rest.origins : checkedOrigins(rest.kind, change.origins)
        const team = change.team === undefined ? teamBefore : (change.team ?? undefined)
        const bot = change.bot === undefined ? botBefore : (change.bot ?? undefined)
        const voice = changedVoice(present, change)
        const set = change.settings && settingsOf(rest.kind, rest.settings ?? {}, change.settings)
        const retain = change.retain === undefined ? before : changedRetention(before, change.retain)
        const lane = change.lane && changedLane(rest.kind, rest.lane, change.lane)
        const channel: Channel = {
          ...rest,
          origins,
          ...(team === undefined ? {} : { team }),
          ...(bot === undefined ? {} : { bot }),
          ...voice,
          ...(set === undefined ? {} : { settings: set }),
          ...(lane === undefined ? {} : { lane }),
          ...(retain === undefined ? {} : { retain }),
        }
        if (isDeepStrictEqual(channel, present)) return { channel: present, changed: false }
        await registry.update(channel)
        return { channel, changed: true }
      }),
    issueToken: (name, { replace = false } = {}) =>
      registry.exclusive(async () => {
        const present = show(name)
        if (present.kind !== 'app') throw new KefuError('KEFU_CHANNEL_WITHOUT_TOKENS', { kind: present.kind })
        if (!replace && present.tokens.length >= TOKEN_LIMIT)
          throw new KefuError('KEFU_TOKENS_USED', { kind: 'channel', name: present.name, limit: TOKEN_LIMIT })
        const { token, entry } = issueAccessToken(TOKEN_PREFIX.app, random, clock.now())
        const channel: Channel = { ...present, tokens: replace ? [entry] : [...present.tokens, entry] }
        await registry.update(channel)
        return { channel, token }
      }),
    remove: name =>
      registry.exclusive(async () => {
        const channel = show(name)
        await registry.remove(channel.name)
        return channel
      }),
  }
}

/** Who asks again need not name every setting. */
function contains({ settings = {} }: Channel, asked: SettingValues): boolean {
  return Object.entries(asked).every(([name, value]) => settings[name] === value)
}

/** The number is durable before the channel that bears it: a crash in between skips a number, it never gives one out twice. */
async function nextNumber(directory: DirectoryPort): Promise<number> {
  const entry = await directory.get(COUNTER)
  const last = entry === null ? 0 : Number(entry.value)
  if (!Number.isInteger(last)) throw new KefuError('KEFU_STORE_CORRUPT', { where: `directory entry ${COUNTER}` })
  if (last >= NUMBER_LIMIT) throw new KefuError('KEFU_CHANNEL_NUMBERS_USED', { limit: NUMBER_LIMIT })
  if (entry === null) await directory.create(COUNTER, last + 1)
  else await directory.update(COUNTER, last + 1, entry.revision)
  return last + 1
}

/** Origins as browsers send them, sorted, each once. */
function checkedOrigins(kind: ChannelKind, given: readonly string[]): readonly string[] {
  if (kind !== 'web' && given.length > 0)
    throw new KefuError('KEFU_USAGE', { reason: `a channel of kind ${kind} has no page origins` })
  if (given.length > ORIGIN_LIMIT)
    throw new KefuError('KEFU_USAGE', { reason: `a channel has at most ${ORIGIN_LIMIT} origins` })
  return [...new Set(given.map(checkedOrigin))].sort()
}

function checkedOrigin(text: string): string {
  const url = text.length <= 300 && URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (url === undefined || !isWeb || `${url.origin}/` !== url.href)
    throw new KefuError('KEFU_USAGE', {
      reason: `"${text.slice(0, 80).replace(/\p{C}/gu, '\u{fffd}')}" is not an origin such as https://shop.example (without a path)`,
    })
  return url.origin
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index])
}
