import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { KefuError } from '../../errors.js'

/** Unix socket paths end at 103 or 107 bytes, depending on the system. */
export const SOCKET_PATH_LIMIT_BYTES = 100

/** Where everything of one daemon is. All paths are absolute. */
export type Dirs = {
  /** What messages call this daemon: its home folder, or its data folder when it has no home. */
  readonly home: string
  readonly configFile: string
  readonly dataDir: string
  readonly storeDir: string
  readonly mediaDir: string
  /** The index of the history, which can be built again. */
  readonly searchDir: string
  readonly auditDir: string
  /** The 0600 file with the server secret. */
  readonly secretFile: string
  /** The 0600 file with the master key of sealed credentials. */
  readonly masterKeyFile: string
  readonly stateDir: string
  readonly logDir: string
  /** Where a daemon in the background logs. */
  readonly logFile: string
  /** The folder of the control socket, 0700. */
  readonly runtimeDir: string
  readonly socketPath: string
  /** The file that tells clients the socket's path, when the usual path would be too long. */
  readonly socketRecord: string | undefined
}

/** What decides on the places: flags, environment, who runs it. */
export type DirsInput = {
  readonly home?: string | undefined
  readonly socket?: string | undefined
  readonly config?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly userHome: string
  readonly temporaryDir: string
  /** The user's number; 0 (root) uses the system's folders. `undefined` where there are none. */
  readonly uid: number | undefined
}

/**
 * The places of a daemon. With a home (flag or `KEFU_HOME`) everything is below it; else XDG folders for a user, FHS folders for root, where
 * systemd's variables and `KEFU_*_DIR` go first. A home given as a flag overrides every variable but `KEFU_SOCKET` and `KEFU_CONFIG`.
 * Touches nothing but the socket record. Throws `KEFU_USAGE` for a `socket` that is too long.
 */
export function resolveDirs(input: DirsInput): Dirs {
  const variables = input.environment
  const places = input.home ? underHome(resolve(input.home)) : fromEnvironment(input)
  const config = input.config || variables.KEFU_CONFIG
  const socket = input.socket || variables.KEFU_SOCKET
  // Two daemons with one key file: when one of them changes the key, the other has lost its own.
  const keyFile = input.home ? undefined : variables.KEFU_KEY_FILE
  const wanted = socket ? resolve(socket) : join(places.runtimeDir, 'kefu.sock')
  const isTooLong = Buffer.byteLength(wanted) > SOCKET_PATH_LIMIT_BYTES
  if (isTooLong && socket)
    throw new KefuError('KEFU_USAGE', { reason: `the socket path is longer than ${SOCKET_PATH_LIMIT_BYTES} bytes` })
  const socketRecord = isTooLong ? join(places.stateDir, 'control.path') : undefined
  const socketPath = socketRecord === undefined ? wanted : (recordedPath(socketRecord) ?? shortPath(wanted, input))
  return {
    home: places.home,
    configFile: config ? resolve(config) : join(places.configDir, 'kefu.yaml'),
    dataDir: places.dataDir,
    storeDir: join(places.dataDir, 'store'),
    mediaDir: join(places.dataDir, 'media'),
    searchDir: join(places.dataDir, 'search'),
    auditDir: join(places.dataDir, 'audit'),
    secretFile: join(places.dataDir, 'server.secret'),
    masterKeyFile: keyFile ? resolve(keyFile) : join(places.dataDir, 'master.key'),
    stateDir: places.stateDir,
    logDir: places.logDir,
    logFile: join(places.logDir, 'daemon.log'),
    runtimeDir: dirname(socketPath),
    socketPath,
    socketRecord,
  }
}

type Places = {
  readonly home: string
  readonly configDir: string
  readonly dataDir: string
  readonly stateDir: string
  readonly logDir: string
  readonly runtimeDir: string
}

function underHome(home: string): Places {
  return {
    home,
    configDir: home,
    dataDir: home,
    stateDir: home,
    logDir: join(home, 'logs'),
    runtimeDir: join(home, 'run'),
  }
}

function fromEnvironment(input: DirsInput): Places {
  const { environment: variables, userHome } = input
  const base = variables.KEFU_HOME ? underHome(resolve(variables.KEFU_HOME)) : undefined
  const isSystem = input.uid === 0
  const own = (name: string) => (variables[name] ? resolve(variables[name]) : undefined)
  /** systemd's variables may list several folders; they do not concern a daemon with a home. */
  const systemd = (name: string) => (base ? undefined : absolute(variables[name]?.split(':')[0]))
  const standard = (fhs: string, xdg: string, below: string) =>
    isSystem ? fhs : join(absolute(variables[xdg]) ?? join(userHome, below), 'kefu')

  const dataDir =
    own('KEFU_DATA_DIR') ??
    systemd('STATE_DIRECTORY') ??
    base?.dataDir ??
    standard('/var/lib/kefu', 'XDG_DATA_HOME', '.local/share')
  const givenStateDir = own('KEFU_STATE_DIR') ?? systemd('STATE_DIRECTORY') ?? base?.stateDir
  const stateDir = givenStateDir ?? standard('/var/lib/kefu', 'XDG_STATE_HOME', '.local/state')
  const configDir =
    own('KEFU_CONFIG_DIR') ??
    systemd('CONFIGURATION_DIRECTORY') ??
    base?.configDir ??
    standard('/etc/kefu', 'XDG_CONFIG_HOME', '.config')
  const logDir =
    systemd('LOGS_DIRECTORY') ?? (isSystem && givenStateDir === undefined ? '/var/log/kefu' : join(stateDir, 'logs'))
  const userRuntimeDir = isSystem ? undefined : absolute(variables.XDG_RUNTIME_DIR)
  const runtimeDir =
    own('KEFU_RUNTIME_DIR') ??
    systemd('RUNTIME_DIRECTORY') ??
    base?.runtimeDir ??
    (isSystem ? '/run/kefu' : userRuntimeDir ? join(userRuntimeDir, 'kefu') : join(stateDir, 'run'))
  return { home: base?.home ?? dataDir, configDir, dataDir, stateDir, logDir, runtimeDir }
}

function absolute(path: string | undefined): string | undefined {
  return path && isAbsolute(path) ? path : undefined
}

function shortPath(wanted: string, input: DirsInput): string {
  const digest = createHash('sha256').update(wanted).digest('hex').slice(0, 16)
  return join(input.temporaryDir, `kefu-${input.uid ?? 'user'}`, `${digest}.sock`)
}

function recordedPath(file: string): string | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch {
    // Not written yet, or not readable: the computed path is as good a guess.
    return undefined
  }
  return isAbsolute(text) && Buffer.byteLength(text) <= SOCKET_PATH_LIMIT_BYTES ? text : undefined
}
