/**
 * The one table of configuration keys: validation, environment names, `kefu config` and the docs are derived from it.
 * `reload: 'live'` marks what a running daemon takes over when it reloads; `'restart'` what is fixed at start.
 */

type Common = { readonly reload: 'live' | 'restart'; readonly doc: string; readonly since: string }

/** A key's type with its bounds. Durations and sizes are written with units; their bounds are in milliseconds and bytes. */
export type ConfigRow = Common &
  (
    | { readonly type: 'port'; readonly default: number }
    | { readonly type: 'int'; readonly default: number; readonly min: number; readonly max: number }
    | { readonly type: 'duration'; readonly default: string; readonly minMs: number; readonly maxMs: number }
    | { readonly type: 'size'; readonly default: string; readonly minBytes: number; readonly maxBytes: number }
    | { readonly type: 'enum'; readonly default: string; readonly values: readonly string[] }
    | { readonly type: 'string'; readonly default: string; readonly maxLength: number }
    | { readonly type: 'bool'; readonly default: boolean }
    | { readonly type: 'host'; readonly default: string }
    | { readonly type: 'networks'; readonly default: string; readonly maxCount: number }
  )

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const KIB = 1024
const MIB = 1024 * KIB
const since = '0.1.0'

/** Every key, by its dotted name. */
export const CONFIG_TABLE = {
  'http.host': {
    type: 'host',
    default: '127.0.0.1',
    reload: 'restart',
    since,
    doc: 'address to listen on for sockets and HTTP; 0.0.0.0 for every interface (put a TLS proxy in front)',
  },
  'http.port': {
    type: 'port',
    default: 8787,
    reload: 'restart',
    since,
    doc: 'port to listen on for sockets and HTTP; 0 takes a free one',
  },
  'http.trustedProxies': {
    type: 'networks',
    maxCount: 256,
    default: 'none',
    reload: 'restart',
    since,
    doc: 'proxies whose X-Forwarded-For says where a visitor comes from: addresses and networks such as 127.0.0.1 or 10.0.0.0/8; none trusts nobody',
  },
  transport: {
    type: 'enum',
    values: ['auto', 'uWebSockets.js', 'ws'],
    default: 'auto',
    reload: 'restart',
    since,
    doc: 'network library; auto takes uWebSockets.js where it loads, else ws',
  },
  'log.level': {
    type: 'enum',
    values: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    reload: 'live',
    since,
    doc: 'least severe log lines to write',
  },
  'limits.connections': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 100_000,
    reload: 'restart',
    since,
    doc: 'open sockets at most; the default shrinks to what the open-file limit allows, a number of your own must fit in it',
  },
  'limits.connectionsPerAddress': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 64,
    reload: 'live',
    since,
    doc: 'sockets of one address that have not said hello yet; past it the oldest one makes room if it has been silent for a second',
  },
  'limits.socketsPerAddress': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 1_000,
    reload: 'live',
    since,
    doc: 'open sockets of one address, with and without a hello; not tighter by default because offices and mobile carriers put hundreds of people behind one address',
  },
  'limits.helloTimeout': {
    type: 'duration',
    minMs: SECOND,
    maxMs: MINUTE,
    default: '10s',
    reload: 'live',
    since,
    doc: 'time a new socket has for its hello',
  },
  'limits.messagesPer10s': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 20,
    reload: 'live',
    since,
    doc: 'messages of one contact within 10 seconds',
  },
  'limits.authFailuresPerMinute': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 10,
    reload: 'live',
    since,
    doc: 'refused tokens and signatures from one address within a minute',
  },
  'limits.newConversationsPerHour': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 100,
    reload: 'live',
    since,
    doc: 'new conversations from one address within an hour; not tighter by default because offices, schools and mobile carriers put hundreds of people behind one address',
  },
  'limits.uploadBytes': {
    type: 'size',
    minBytes: KIB,
    maxBytes: 1024 * MIB,
    default: '20MiB',
    reload: 'restart',
    since,
    doc: 'size of one uploaded file',
  },
  'limits.uploadsPerMinute': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 12,
    reload: 'live',
    since,
    doc: 'files that one contact or agent may upload within a minute',
  },
  'limits.uploadsPerMinutePerAddress': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 60,
    reload: 'live',
    since,
    doc: 'files that the visitors of one address may upload within a minute, all together',
  },
  'limits.uploadBytesPerHourPerAddress': {
    type: 'size',
    minBytes: KIB,
    maxBytes: 1024 * 1024 * MIB,
    default: '512MiB',
    reload: 'live',
    since,
    doc: 'bytes that the visitors of one address may upload within an hour, all together; at least limits.uploadBytes',
  },
  'limits.uploadsAtOncePerAddress': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 6,
    reload: 'live',
    since,
    doc: 'uploads of the visitors of one address that may run at the same time',
  },
  'limits.uploadsAtOnce': {
    type: 'int',
    min: 1,
    max: 1_000_000,
    default: 32,
    reload: 'live',
    since,
    doc: 'uploads that may run at the same time, of everybody; together they hold at most four times limits.uploadBytes',
  },
  'limits.backpressureBytes': {
    type: 'size',
    minBytes: 16 * KIB,
    maxBytes: 64 * MIB,
    default: '256KiB',
    reload: 'restart',
    since,
    doc: 'bytes that may wait for a slow peer before its socket is closed',
  },
  'limits.idleTimeout': {
    type: 'duration',
    minMs: 8 * SECOND,
    maxMs: 960 * SECOND,
    default: '120s',
    reload: 'restart',
    since,
    doc: 'a socket from which nothing came for this long (not even a pong) is closed',
  },
  'presence.awayAfter': {
    type: 'duration',
    minMs: 5 * SECOND,
    maxMs: HOUR,
    default: '15s',
    reload: 'live',
    since,
    doc: 'an agent without a heartbeat for this long is away',
  },
  'presence.requeueAfter': {
    type: 'duration',
    minMs: SECOND,
    maxMs: 24 * HOUR,
    default: '30s',
    reload: 'live',
    since,
    doc: "an agent's conversations go back to the queue this long after the agent's last session",
  },
  'routing.strategy': {
    type: 'enum',
    values: ['least-active', 'round-robin', 'longest-idle', 'manual'],
    default: 'least-active',
    reload: 'live',
    since,
    doc: 'who gets a conversation that was sent to no team: the agent with the fewest, the one who was given one longest ago, the one who has been idle longest, or nobody by itself',
  },
  'routing.stickyWindow': {
    type: 'duration',
    minMs: 0,
    maxMs: 90 * 24 * HOUR,
    default: '24h',
    reload: 'live',
    since,
    doc: 'a contact who writes again within this time goes to the same agent if that one is free; 0s for never',
  },
  'routing.capacity': {
    type: 'int',
    min: 1,
    max: 10_000,
    default: 20,
    reload: 'restart',
    since,
    doc: 'conversations that an agent may have at once, unless the agent has a capacity of their own',
  },
  'store.cacheConversations': {
    type: 'int',
    min: 100,
    max: 10_000_000,
    default: 50_000,
    reload: 'restart',
    since,
    doc: 'conversations whose state is kept in memory',
  },
  'vault.key': {
    type: 'enum',
    values: ['file', 'systemd', 'passphrase'],
    default: 'file',
    reload: 'restart',
    since,
    doc: 'where the master key of sealed credentials comes from: a file of its own, the credential kefu-vault-key of systemd, a passphrase',
  },
  'vault.passphraseFile': {
    type: 'string',
    maxLength: 4_096,
    default: 'none',
    reload: 'restart',
    since,
    doc: 'file (0600) with the passphrase on its one line, from the folder of kefu.yaml; none: the credential kefu-vault-passphrase of systemd, else kefu asks at the terminal',
  },
  'drain.deadline': {
    type: 'duration',
    minMs: 0,
    maxMs: HOUR,
    default: '10s',
    reload: 'live',
    since,
    doc: 'time that clients have to go when the daemon stops',
  },
} as const satisfies Record<string, ConfigRow>

/** A configuration key. */
export type ConfigKey = keyof typeof CONFIG_TABLE

/** All keys, in the table's order. */
export const CONFIG_KEYS = Object.keys(CONFIG_TABLE) as readonly ConfigKey[]

/** The row of a key. */
export function configRow(key: ConfigKey): ConfigRow {
  return CONFIG_TABLE[key]
}

/** Whether a text is a key of the table. */
export function isConfigKey(text: string): text is ConfigKey {
  return Object.hasOwn(CONFIG_TABLE, text)
}

/** Environment variables that are no configuration keys, kefu's own and those of oclif: no derived name may equal one. */
export const RESERVED_ENVIRONMENT = [
  'KEFU_HOME',
  'KEFU_SOCKET',
  'KEFU_CONFIG',
  'KEFU_CONFIG_DIR',
  'KEFU_DATA_DIR',
  'KEFU_STATE_DIR',
  'KEFU_CACHE_DIR',
  'KEFU_RUNTIME_DIR',
  'KEFU_KEY_FILE',
  'KEFU_NO_INPUT',
  'KEFU_PAGER',
  'KEFU_DEBUG',
  'KEFU_TIMEOUT',
  'KEFU_CONTENT_TYPE',
  'KEFU_BINPATH',
  'KEFU_DISABLE_THEME',
  'KEFU_NPM_REGISTRY',
  'KEFU_REDIRECTED',
  'KEFU_S3_BUCKET',
  'KEFU_S3_HOST',
] as const

/** The environment variable of a key: `limits.messagesPer10s` is `KEFU_LIMITS_MESSAGES_PER_10S`. */
export function environmentName(key: string): string {
  return `KEFU_${key
    .replaceAll('.', '_')
    .replace(/([a-z])([A-Z0-9])/g, '$1_$2')
    .toUpperCase()}`
}

type Row<K extends ConfigKey> = (typeof CONFIG_TABLE)[K]
type Value<K extends ConfigKey> =
  Row<K> extends { type: 'enum'; values: readonly (infer V)[] }
    ? V
    : Row<K> extends { type: 'bool' }
      ? boolean
      : Row<K> extends { type: 'networks' }
        ? readonly string[]
        : Row<K> extends { type: 'string' | 'host' }
          ? string
          : number
type Field<K extends ConfigKey, Name extends string> = Row<K> extends { type: 'duration' } ? `${Name}Ms` : Name
type SectionName = ConfigKey extends infer K ? (K extends `${infer S}.${string}` ? S : never) : never
type Section<S extends string> = {
  readonly [K in ConfigKey as K extends `${S}.${infer Name}` ? Field<K, Name> : never]: Value<K>
}

/** The typed configuration: sections as objects, durations in milliseconds (`limits.helloTimeoutMs`), sizes in bytes. */
export type Config = { readonly [S in SectionName]: Section<S> } & {
  readonly [K in ConfigKey as K extends `${string}.${string}` ? never : Field<K, K>]: Value<K>
}
