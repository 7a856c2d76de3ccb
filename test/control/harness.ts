import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createAuditNames, createAuditor } from '../../src/daemon/control/audited.js'
import { createBotSecrets } from '../../src/daemon/control/bot-secrets.js'
import { type ControlClient, createControlClient } from '../../src/daemon/control/client.js'
import { createOwners } from '../../src/daemon/control/credential-owner.js'
import { type ControlPorts, createHandlers } from '../../src/daemon/control/handlers.js'
import type { DaemonStatus } from '../../src/daemon/control/schemas.js'
import { type ControlServer, openControlServer } from '../../src/daemon/control/server.js'
import type { Store } from '../../src/daemon/core/ports.js'
import { createAgents } from '../../src/daemon/engine/registry/agents.js'
import { createCanned } from '../../src/daemon/engine/registry/canned.js'
import { createChannels } from '../../src/daemon/engine/registry/channels.js'
import { createHooks } from '../../src/daemon/engine/registry/hooks.js'
import { createTeams } from '../../src/daemon/engine/registry/teams.js'
import { Forgettings } from '../../src/daemon/engine/retention/forgetting.js'
import { Commands } from '../../src/daemon/engine/routing/commands.js'
import { Persons } from '../../src/daemon/engine/routing/persons.js'
import { Queue } from '../../src/daemon/engine/routing/queue.js'
import { Router } from '../../src/daemon/engine/routing/router.js'
import { createTokens } from '../../src/daemon/engine/session/tokens.js'
import { Hooks } from '../../src/daemon/hooks/hooks.js'
import { createLog, type Log } from '../../src/daemon/observe/log.js'
import { openSearch } from '../../src/daemon/search/service.js'
import { createSimulator } from '../../src/daemon/simulation/simulator.js'
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import { Vault } from '../../src/daemon/vault/vault.js'
import { KefuError } from '../../src/errors.js'
import { AuditInMemory } from '../helpers/audit-in-memory.js'
import { keyInMemory } from '../helpers/key-in-memory.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { READY_SEARCH, startInProcess } from '../helpers/search-thread.js'
import { makeTmpDir, removeDir, tmpDir } from '../helpers/tmp-dir.js'

/** A control socket over a memory store, and a client of it. */
export type Rig = {
  readonly path: string
  readonly server: ControlServer
  readonly client: ControlClient
  readonly ports: ControlPorts
  /** Modes that `daemon.stop` was called with. */
  readonly stops: readonly string[]
  readonly logged: readonly string[]
  readonly audit: AuditInMemory
}

/** Opens a rig; `change` replaces ports. */
export async function openRig(t: TestContext, change: Partial<ControlPorts> = {}, version = '0.1.0'): Promise<Rig> {
  const path = socketPath(t)
  const stops: string[] = []
  const logged: string[] = []
  const log = createLog('debug', { write: line => void logged.push(line) })
  const audit = new AuditInMemory()
  const ports: ControlPorts = { ...(await memoryPorts(t, stops, log, audit)), ...change }
  const auditor = createAuditor({ audit, names: createAuditNames(ports.credentials), log, clock: createManualClock() })
  const server = await openControlServer(
    { handlers: createHandlers(ports), auditor, log, version },
    { path, home: 'home' },
  )
  t.after(() => server.close())
  const client = createControlClient({ socketPath: path, home: 'home', version: '0.1.0', timeoutMs: 5_000 })
  return { path, server, client, ports, stops, logged, audit }
}

/** A path for a socket in a folder of this test. */
export function socketPath(t: TestContext): string {
  const folder = join(tmpDir(t), 'run')
  mkdirSync(folder, { mode: 0o700 })
  return join(folder, 'kefu.sock')
}

async function memoryPorts(t: TestContext, stops: string[], log: Log, audit: AuditInMemory): Promise<ControlPorts> {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  let count = 0
  const random = (length: number) => createHash('shake256', { outputLength: length }).update(String(count++)).digest()
  const registries = { directory: store.directory, clock, random }
  const agents = await createAgents(registries)
  const channels = await createChannels(registries)
  const report = (error: unknown) => {
    throw error
  }
  const router = new Router(
    {
      ...store,
      clock,
      presence: () => 'offline',
      assigned: () => undefined,
      moved: () => undefined,
      channel: () => undefined,
      report,
    },
    new Map([[undefined, { strategy: 'least-active', stickyMs: 0, members: undefined, isOpen: () => true }]]),
  )
  const teams = await createTeams({ ...registries, agents, channels, report })
  const vault = await Vault.open({ ...registries, keys: keyInMemory(), report })
  const hooks = await createHooks({ ...registries, log: store.log })
  const persons = new Persons({ ...registries, log: store.log })
  const folder = makeTmpDir()
  const search = openSearch({ log: store.log, clock, events: log, start: startInProcess }, { path: folder })
  t.after(async () => {
    await search.close()
    removeDir(folder)
  })
  return {
    agents,
    channels,
    teams,
    canned: await createCanned(registries),
    persons,
    tokens: createTokens({ ...registries, secret: randomBytes(32) }),
    queue: new Queue({ log: store.log, clock, router }),
    commands: new Commands({
      log: store.log,
      clock,
      router,
      agents,
      teams,
      persons,
      audit,
    }),
    audit,
    simulator: createSimulator({
      history: { log: store.log, openHeads: () => router.openHeads(), defaultTeam: () => undefined },
      directory: store.directory,
      clock,
      settings: () => ({
        agents: agents.list(),
        teams: teams.list(),
        strategy: 'least-active',
        stickyMs: 0,
        capacity: 20,
        requeueAfterMs: 30_000,
      }),
    }),
    clock,
    store,
    platforms: { lane: () => undefined, check: async () => [], sendTest: async () => ({ type: 'sent' }) },
    outbox: store.outbox,
    view: store.view,
    search,
    forgettings: new Forgettings({
      ...{
        log: store.log,
        eraser: store.eraser,
        outbox: store.outbox,
        directory: store.directory,
        persons,
        clock,
        report,
      },
      media: { measure: async () => ({ files: 0, bytes: 0 }), remove: async () => ({ files: 0, bytes: 0 }) },
      dropQueued: async () => undefined,
      onForgotten: async () => undefined,
    }),
    hooks: {
      registry: hooks,
      work: await Hooks.start({
        ...{ registry: hooks, directory: store.directory, log: store.log, clock, vault, report, events: log },
        http: { call: () => Promise.reject(new KefuError('KEFU_ABORTED')) },
        random: registries.random,
        channelName: number => channels.byNumber(number)?.name,
      }),
      ...{ channels, vault, log, random: registries.random },
    },
    bots: { status: () => undefined, connections: () => 0, ...createBotSecrets(vault, registries.random) },
    credentials: {
      vault,
      owners: createOwners({ channels, hooks, agents }),
      keyKind: 'file',
      known: () => undefined,
      test: async () => undefined,
      log,
    },
    records: store.log,
    log,
    status: async () => exampleStatus(await store.info()),
    reload: () => Promise.reject(new Error('not asked')),
    metrics: () => Promise.reject(new Error('not asked')),
    stop: mode => void stops.push(mode),
  }
}

/** A status of a daemon that has nothing to do. */
export function exampleStatus(store: Awaited<ReturnType<Store['info']>>): DaemonStatus {
  return {
    state: 'running',
    ready: true,
    notReady: null,
    pid: process.pid,
    version: '0.1.0',
    node: process.version,
    uptimeMs: 1,
    home: 'home',
    transport: 'ws',
    address: { http: 'http://127.0.0.1:1', socket: 'ws://127.0.0.1:1/v1/socket' },
    connections: { open: 0, visitors: 0, agents: 0, apps: 0, limit: 100 },
    channels: 0,
    agents: 0,
    waiting: 0,
    active: 0,
    store,
    search: READY_SEARCH,
    outbox: { due: 0, retrying: 0, sending: 0, parked: 0, unknown: 0, dead: 0 },
    traffic: { seconds: 10, inPerSecond: 1, outPerSecond: 2, deliverP50Ms: 1, deliverP99Ms: 2 },
    eventLoopDelay: { p50Ms: 1, p99Ms: 1, maxMs: 1 },
    rssBytes: 1,
    warnings: [],
  }
}

/** An answer of the socket, as it came. */
export type RawAnswer = { readonly status: number; readonly headers: Record<string, unknown>; readonly text: string }

/** Posts anything to the socket. */
export function rawPost(
  socketPath: string,
  path: string,
  body: string | Buffer,
  { method = 'POST', headers = {} }: { readonly method?: string; readonly headers?: Record<string, string> } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method, headers, agent: false }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      response.on('error', reject)
    })
    call.on('error', reject)
    call.end(body)
  })
}
