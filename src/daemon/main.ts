import { randomBytes } from 'node:crypto'
import { SOCKET_PATH, WIRE_LIMITS } from '../codec/wire.js'
import type { ErrorCode } from '../errors.js'
import { openAuditing } from './auditing.js'
import { systemClock } from './clock.js'
import { type Closer, closeAll } from './closers.js'
import type { Dirs } from './config/dirs.js'
import { descriptorLimit, FEW_CONNECTIONS, openFileLimit } from './config/file-limit.js'
import { ensureFolder, ensureRuntimeFolder } from './config/folders.js'
import type { ConfigReading } from './config/load.js'
import type { Config } from './config/schema.js'
import { createHandlers } from './control/handlers.js'
import type { MetricsReading } from './control/metrics-schemas.js'
import { sumOf } from './control/outbox-handlers.js'
import type { DaemonStatus } from './control/schemas.js'
import { openControlServer } from './control/server.js'
import type { Store } from './core/ports.js'
import { openCredentials } from './credentials.js'
import { drain } from './drain.js'
import { RecentTraffic } from './engine/delivery/recent-traffic.js'
import { Engine } from './engine/engine.js'
import { createDownloadAdmission } from './engine/media/download-admission.js'
import { createUploadAdmission } from './engine/media/upload-admission.js'
import { createUploadAuthority } from './engine/media/uploads.js'
import { createAgents } from './engine/registry/agents.js'
import { createCanned } from './engine/registry/canned.js'
import { createChannels } from './engine/registry/channels.js'
import { createHooks } from './engine/registry/hooks.js'
import { createTeams } from './engine/registry/teams.js'
import { Persons } from './engine/routing/persons.js'
import { createTokens } from './engine/session/tokens.js'
import { createGateway } from './gateway/gateway.js'
import { lateBoundEvents } from './gateway/late-bound.js'
import type { Readiness } from './http/health.js'
import { createHttp } from './http/router.js'
import { createLiveSettings } from './live-settings.js'
import { createMediaStore } from './media/store.js'
import { describeMetrics } from './metrics.js'
import { createEventLoopWatch } from './observe/event-loop.js'
import type { Log } from './observe/log.js'
import { type OpenStore, openEmbedded } from './open-store.js'
import { openOutgoing } from './outgoing.js'
import { createPlatforms, tableOf, testSecrets } from './platforms.js'
import { createProxyHint } from './proxy-hint.js'
import { Reloader, type ReloaderPorts } from './reload.js'
import { openRetention } from './retention.js'
import { openSearch } from './search/service.js'
import { createSimulator } from './simulation/simulator.js'
import { limitSocketsPerAddress } from './socket-limit.js'
import { describeStatus } from './status.js'
import { StopRequest } from './stop-request.js'
import type { Listener } from './transport/port.js'
import { createTransport } from './transport/select.js'
import type { AskPassphrase } from './vault/master-keys.js'
import { loadServerSecret } from './vault/server-secret.js'

/** What a daemon is started with. */
export type DaemonOptions = {
  readonly config: Config
  readonly dirs: Dirs
  readonly version: string
  readonly log: Log
  /** Open sockets at most: `limits.connections` fitted to the open-file limit. */
  readonly connectionLimit: number
  /** What is wrong with the configuration, but keeps nothing from starting. */
  readonly problems?: ConfigReading['problems']
  /** Reads the configuration again, to take over what has changed; without it, it stays. Throws when it is not valid. */
  readonly readConfig?: ReloaderPorts['read']
  /** Asks the person who starts it for the passphrase of sealed credentials, where they need one; without it, nobody can be asked. */
  readonly askPassphrase?: AskPassphrase | undefined
  /** What SIGHUP does: `reload` unless told otherwise. */
  readonly hangUp?: 'reload' | 'stop'
  /** Called once, when sockets are served. */
  readonly onReady?: (status: DaemonStatus) => void | Promise<void>
  /**
   * Called once with the names of the parts that did not close in time, whether the daemon has stopped or could not start: something of them may go on, and
   * the caller has to end the process (`exitHard`). Must not throw.
   */
  readonly onLeftBehind?: (parts: readonly string[]) => void
  /** Another store in place of the embedded one. */
  readonly openStore?: OpenStore
  /** Time that each part has to close when the daemon stops; 5 s. */
  readonly closeDeadlineMs?: number
}

const HEADER_LIMIT_BYTES = 8 * 1024
const INVALID_FRAME_LIMIT = 10
/** Below this a transport may not tell that a peer has read: Node's sockets are drained only after they held 64 KiB (on Node 20, 16 KiB). */
const HIGH_WATER_LEAST_BYTES = 64 * 1024
const UPLOAD_TIMEOUT_MS = 60_000
/** Time that each part has to close. A disk that hangs longer does not keep the process: what was acknowledged is on it. */
const CLOSE_DEADLINE_MS = 5_000
/** The exit code of a daemon that did not close as a whole. */
const TIMED_OUT = 18

/**
 * Runs a daemon until it is told to stop (SIGTERM, SIGINT or the control socket; the second time, or `now`, without draining) and resolves with the
 * process's exit code: 0, or 18 when a part did not close in time. Throws when it cannot start: `KEFU_STORE_*`, `KEFU_PORT_*`, `KEFU_CONTROL_DIRECTORY`,
 * `KEFU_SECRET_UNSAFE`, `KEFU_VAULT_*`, `KEFU_DAEMON_ALREADY_RUNNING`; what was opened until then is closed again. `onLeftBehind` is told in both cases what is not. The store's lock decides which daemon lives, so it is taken first.
 */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  const { config, dirs, version, log, problems = [] } = options
  const clock = systemClock
  const live = createLiveSettings(config, clock, log)
  const reloader = new Reloader(
    { read: options.readConfig ?? (async () => ({ config, problems })), live, log },
    problems,
  )
  const proxyHint = createProxyHint(log)
  let reload = () => reloader.reload()
  const onHangUp = (): void => void reloader.reloadOnSignal(() => reload())
  const random = (length: number): Uint8Array => randomBytes(length)
  const startedAt = clock.monotonicMs()
  const closers: Closer[] = []
  const stop = new StopRequest()
  const instance = randomBytes(8).toString('hex')
  const eventLoop = createEventLoopWatch()
  const report = (error: unknown): void => log.error('engine.failed', { error })
  let state: DaemonStatus['state'] = 'starting'
  let listener: Listener | undefined
  let leftBehind: readonly string[] = []

  try {
    for (const { message } of problems) log.warn('config.warning', { message })
    if (options.connectionLimit < config.limits.connections && options.connectionLimit >= FEW_CONNECTIONS)
      log.info('daemon.connections-limited', { limit: options.connectionLimit, by: 'open-file limit' })
    if (options.hangUp !== 'stop') process.on('SIGHUP', onHangUp)
    await ensureFolder(dirs.dataDir)
    await ensureRuntimeFolder(dirs.runtimeDir)
    const store = await (options.openStore ?? openEmbedded)(dirs, config, clock, log)
    closers.push({ name: 'store', close: () => store.close() })
    const { directory, log: records } = store
    const search = openSearch({ log: records, clock, events: log }, { path: dirs.searchDir })
    closers.push({ name: 'search', close: () => search.close() })
    const isInUse = (await store.info()).records > 0
    const secret = await loadServerSecret(dirs.secretFile, isInUse)
    const tokens = createTokens({ secret, clock, random })
    const agents = await createAgents({ directory, clock, random })
    const channels = await createChannels({ directory, clock, random, table: tableOf })
    const hooks = await createHooks({ directory, log: records, clock, random })
    const credentials = await openCredentials({
      ...{ config, dirs, directory, clock, channels, hooks, agents, log, environment: process.env },
      askPassphrase: options.askPassphrase,
      table: tableOf,
      test: (owner, secrets) => testSecrets(platforms, owner, secrets),
    })
    closers.push({ name: 'vault', close: async () => credentials.vault.close() })
    const auditing = await openAuditing({ dirs, directory, clock, log, config, version, credentials })
    const { loginRefused } = auditing
    closers.push({ name: 'audit log', close: () => auditing.close() })
    reload = () => auditing.auditor.once('daemon.reload', {}, { kind: 'daemon' }, () => reloader.reload())
    const teams = await createTeams({ directory, clock, random, agents, channels, report })
    const canned = await createCanned({ directory, clock })
    const persons = new Persons({ directory, log: records, clock, random })
    const media = await createMediaStore(
      { clock, random, report, swept: sweep => log.info('media.unnamed-removed', sweep) },
      { path: dirs.mediaDir, fileLimitBytes: config.limits.uploadBytes },
    )
    closers.push({ name: 'media', close: () => media.close() })
    const transport = await createTransport(config.transport, { onError: report })

    const { limits } = live
    const events = lateBoundEvents()
    const gateway = createGateway(events, {
      highWaterBytes: Math.max(HIGH_WATER_LEAST_BYTES, config.limits.backpressureBytes / 4),
      invalidFrameLimit: INVALID_FRAME_LIMIT,
    })
    const engine = new Engine(
      {
        ...{ store, clock, gateway, tokens, agents, channels, teams, persons, canned, media, search, limits },
        typing: (head, isTyping) => platforms.typing(head, isTyping),
        audit: auditing.log,
        loginRefused,
        report,
      },
      live.engine,
    )
    events.bind(engine)
    closers.push({ name: 'engine', close: () => engine.close() })
    await engine.start()
    const platforms = createPlatforms(
      {
        ...{ store, clock, random, tokens, media, channels, report },
        vault: credentials.vault,
        delivered: (head, by, n) => engine.delivered(head, by, n),
      },
      closers,
    )
    await platforms.start()
    const { vault } = credentials
    const outgoing = await openOutgoing({ store, engine, clock, vault, hooks, channels, agents, log })
    closers.push({ name: 'outgoing', close: () => outgoing.close() })
    const kept = await openRetention({
      ...{ store, clock, media, persons, channels, platforms, outgoing, search, report },
      audit: auditing.log,
    })
    closers.push({ name: 'retention', close: () => kept.close() })
    const traffic = new RecentTraffic(clock, engine.meters)
    closers.push({ name: 'traffic', close: async () => traffic.close() })

    const allowsOrigin = (origin: string): boolean => channels.list().some(channel => channel.origins.includes(origin))
    const http = createHttp(
      {
        media,
        tokens,
        clock,
        allowsOrigin,
        admission: createUploadAdmission(limits, live.uploads),
        downloads: createDownloadAdmission(live.downloads),
        authorise: createUploadAuthority({ log: records, tokens, agents, channels, limits, loginRefused }),
        report: (error, route) => log.error('http.failed', { error, route }),
        readiness: () => readinessOf(state, store),
        receive: (channel, arriving) => platforms.receive(channel, arriving),
      },
      { fileBytes: config.limits.uploadBytes, timeoutMs: UPLOAD_TIMEOUT_MS },
    )
    const status = async (): Promise<DaemonStatus> =>
      describeStatus({
        state,
        notReady: notReady(state, store),
        version,
        home: dirs.home,
        uptimeMs: clock.monotonicMs() - startedAt,
        bound: listener,
        transport: transport.name,
        counts: engine.counts,
        connectionLimit: options.connectionLimit,
        connectionsWanted: config.limits.connections,
        configWarnings: [reloader, proxyHint, credentials, auditing.log, outgoing].flatMap(({ warnings }) => warnings),
        channels: channels.list().length,
        agents: agents.list().length,
        store: await store.info(),
        outbox: sumOf((await store.outbox.totals()).values()),
        search: search.status(),
        traffic: traffic.latest,
        eventLoopDelay: eventLoop.delay,
        socketPath: SOCKET_PATH,
      })
    const metrics = async (): Promise<MetricsReading> =>
      describeMetrics({
        store: await store.info(),
        outbox: await store.outbox.totals(),
        search: search.status(),
        instance,
        version,
        home: dirs.home,
        state,
        uptimeMs: clock.monotonicMs() - startedAt,
        meters: engine.meters,
        slow: engine.slow,
        counts: engine.counts,
        connectionLimit: options.connectionLimit,
        queue: engine.queue.totals(),
        channels: channels.list(),
        laneOf: number => platforms.lane(number),
        hooks: hooks.list(),
        hookStatus: hook => outgoing.control.hooks.work.status(hook),
        agents: agents.list(),
        botStatus: agent => outgoing.control.bots.status(agent),
        eventLoopDelay: eventLoop.delay,
      })
    const simulator = createSimulator({
      history: {
        log: records,
        openHeads: () => engine.queue.heads(() => true),
        defaultTeam: number => channels.byNumber(number)?.team,
      },
      directory,
      clock,
      settings: () => ({
        agents: agents.list(),
        teams: teams.list(),
        ...live.engine.routing,
        requeueAfterMs: live.engine.requeueAfterMs,
      }),
    })
    const handlers = createHandlers({
      agents,
      channels,
      teams,
      canned,
      persons,
      tokens,
      queue: engine.queue,
      commands: engine.commands,
      simulator,
      search,
      clock,
      store,
      outbox: store.outbox,
      view: store.view,
      credentials: credentials.control,
      audit: auditing.log,
      platforms,
      ...kept.control,
      ...outgoing.control,
      records,
      log,
      status,
      metrics,
      reload: () => reloader.reload(),
      stop: mode => stop.request(mode),
    })
    const control = await openControlServer(
      { handlers, auditor: auditing.auditor, log, version },
      { path: dirs.socketPath, home: dirs.home, record: dirs.socketRecord },
    )
    closers.push({ name: 'control', close: () => control.close() })

    listener = await transport.listen(
      {
        host: config.http.host,
        port: config.http.port,
        inboundFrameLimitBytes: WIRE_LIMITS.clientFrameBytes,
        backpressureLimitBytes: config.limits.backpressureBytes,
        idleTimeoutSeconds: Math.round(config.limits.idleTimeoutMs / 1_000),
        connectionLimit: options.connectionLimit,
        descriptorLimit: descriptorLimit(openFileLimit()),
        headerLimitBytes: HEADER_LIMIT_BYTES,
        trustedProxies: config.http.trustedProxies,
      },
      limitSocketsPerAddress(
        {
          upgrade: request => gateway.upgrade(request),
          opened: socket => gateway.opened(socket),
          message: (socket, bytes, isBinary) => gateway.message(socket, bytes, isBinary),
          drained: socket => gateway.drained(socket),
          closed: socket => gateway.closed(socket),
          forwardedIgnored: peer => proxyHint.seen(peer),
          request: http,
        },
        () => live.config.limits.socketsPerAddress,
      ),
    )
    const bound = listener
    closers.push({ name: 'listener', close: () => bound.close() })
    stop.onSignals(options.hangUp === 'stop' ? ['SIGTERM', 'SIGINT', 'SIGHUP'] : ['SIGTERM', 'SIGINT'])
    eventLoop.start()
    state = 'running'
    const ready = await status()
    log.info('daemon.ready', {
      address: ready.address.http,
      transport: transport.name,
      records: ready.store.records,
      pid: process.pid,
    })
    for (const warning of ready.warnings)
      if (!reloader.warnings.includes(warning)) log.warn('daemon.warning', { warning })
    await options.onReady?.(ready)

    const mode = await stop.requested
    state = 'draining'
    log.info('daemon.stopping', { mode })
    bound.stopAccepting()
    if (mode === 'drain') await drain(engine, stop, live.config.drain.deadlineMs, log)
  } finally {
    eventLoop.stop()
    stop.close()
    process.off('SIGHUP', onHangUp)
    leftBehind = await closeAll(closers, options.closeDeadlineMs ?? CLOSE_DEADLINE_MS, log)
    if (leftBehind.length > 0) options.onLeftBehind?.(leftBehind)
    // One that could not start has not run; what kept it from that is thrown.
    if (state !== 'starting') log.info('daemon.stopped')
  }
  return leftBehind.length === 0 ? 0 : TIMED_OUT
}

/** The code of what keeps the daemon from taking messages, once it serves sockets; undefined when nothing does. */
function notReady(state: DaemonStatus['state'], store: Store): ErrorCode | undefined {
  return state === 'draining' ? 'KEFU_DRAINING' : store.refusal()?.code
}

function readinessOf(state: DaemonStatus['state'], store: Store): Readiness {
  const code = notReady(state, store)
  if (code === undefined && state === 'running') return { isReady: true, state }
  return { isReady: false, state, ...(code === undefined ? {} : { code }) }
}
