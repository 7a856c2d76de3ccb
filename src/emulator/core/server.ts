import { setMaxListeners } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KefuError, toKefuError } from '../../errors.js'
import { type ApiAnswer, type ApiRequest, jsonAnswer, textAnswer } from './api.js'
import { pause } from './clock.js'
import type { ApiFault } from './faults.js'
import { INSPECTION_ROOT, inspect } from './inspection.js'
import type { EmulatedAccount, PlatformEmulator } from './platform-emulator.js'
import { streamSent } from './stream.js'

/** An emulator that is being served. */
export type ServedEmulator = {
  readonly emulator: PlatformEmulator
  /** Its address: no slash at the end. */
  readonly origin: string
  /** The inspection page. */
  readonly page: string
  /** Ends it: calls and pushes that are under way are cut off. */
  close(): Promise<void>
}

/** All settings that a channel needs to talk to an emulator. */
export function channelSettings({ emulator, origin }: ServedEmulator): EmulatedAccount['settings'] {
  const { settings, addressSetting = 'base-url' } = emulator.account
  return { ...settings, [addressSetting]: origin }
}

const HOST = '127.0.0.1'
const BODY_LIMIT_BYTES = 16 * 1024 * 1024
const CONNECTION_LIMIT = 1_000
/** Longer than clients keep a connection: who closes first must not be the one to whom a call is on its way. */
const IDLE_LIMIT_MS = 65_000
/** A call that hangs is cut off after this. */
const HANG_LIMIT_MS = 60_000
const PROXY_PAGE = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n'

/** Serves an emulator on the loopback interface; port 0 takes a free one. Throws `KEFU_EMULATOR_PORT_TAKEN`, `KEFU_EMULATOR_PORT_REFUSED`. */
export async function serveEmulator(emulator: PlatformEmulator, port = 0): Promise<ServedEmulator> {
  const closed = new AbortController()
  setMaxListeners(0, closed.signal)
  const server = createServer({ requestTimeout: 30_000, keepAliveTimeout: IDLE_LIMIT_MS }, (request, response) => {
    serve(emulator, request, response, closed.signal).catch(() => response.destroy())
  })
  server.maxConnections = CONNECTION_LIMIT
  const origin = `http://${HOST}:${await listen(server, port)}`
  emulator.core.origin = origin
  return {
    emulator,
    origin,
    page: `${origin}${INSPECTION_ROOT}/`,
    close() {
      closed.abort()
      emulator.core.pusher.close()
      return new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') reject(new KefuError('KEFU_EMULATOR_PORT_TAKEN', { port }, { cause }))
      const reason = cause.code === 'EACCES' ? 'no permission for this port' : cause.message
      reject(new KefuError('KEFU_EMULATOR_PORT_REFUSED', { port, reason }, { cause }))
    })
    server.listen(port, HOST, resolve)
  })
  return (server.address() as AddressInfo).port
}

async function serve(
  emulator: PlatformEmulator,
  request: IncomingMessage,
  response: ServerResponse,
  closed: AbortSignal,
): Promise<void> {
  const url = URL.canParse(request.url ?? '', `http://${HOST}`) ? new URL(request.url!, `http://${HOST}`) : undefined
  // A name that leads here by somebody's DNS is somebody else's page.
  if (url === undefined || !isLoopback(request.headers.host)) {
    answer(response, textAnswer('not here\n', 403))
    return
  }
  const bytes = await read(request)
  if (bytes === undefined) {
    answer(response, textAnswer('too large\n', 413))
    return
  }
  const call: ApiRequest = {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    header: name => {
      const value = request.headers[name]
      return Array.isArray(value) ? value[0] : value
    },
    bytes,
  }
  if (call.path === `${INSPECTION_ROOT}/stream` && call.method === 'GET') {
    streamSent(emulator, call, response, closed)
    return
  }
  if (call.path === INSPECTION_ROOT || call.path.startsWith(`${INSPECTION_ROOT}/`)) {
    answer(response, await inspect(emulator, call))
    return
  }
  await serveApi(emulator, call, response, closed)
}

async function serveApi(
  emulator: PlatformEmulator,
  call: ApiRequest,
  response: ServerResponse,
  closed: AbortSignal,
): Promise<void> {
  const { clock, faults } = emulator.core
  const fault = faults.nextCall(call.path)
  const instead = fault === undefined ? undefined : answerOfFault(emulator, fault)
  if (instead !== undefined) {
    answer(response, instead)
    return
  }
  if (fault?.fault === 'latency') await pause(clock, fault.ms, closed)
  const result = await handle(emulator, call)
  if (fault?.fault === 'hang') {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    await pause(clock, HANG_LIMIT_MS, AbortSignal.any([closed, gone.signal]))
    response.destroy()
    return
  }
  answer(response, result)
}

async function handle(emulator: PlatformEmulator, call: ApiRequest): Promise<ApiAnswer> {
  try {
    return (await emulator.handle(call)) ?? textAnswer('the emulated platform has nothing at this address\n', 404)
  } catch (error) {
    const known = toKefuError(error)
    return jsonAnswer({ error: known.report() }, known.status)
  }
}

/** The answer that a fault gives without anything being done; undefined when something is done. */
function answerOfFault(emulator: PlatformEmulator, fault: ApiFault): ApiAnswer | undefined {
  if (fault.fault === 'error') return emulator.failure(fault.code, fault.message)
  if (fault.fault === 'status') return textAnswer('', fault.status)
  if (fault.fault === 'html') return { status: 200, contentType: 'text/html', body: PROXY_PAGE }
  return undefined
}

function answer(response: ServerResponse, { status, contentType, body, headers = {} }: ApiAnswer): void {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff', ...headers })
  response.end(body)
}

/** The body; undefined when it is too large. */
async function read(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= BODY_LIMIT_BYTES) chunks.push(chunk)
    else if (size > 2 * BODY_LIMIT_BYTES) throw new Error('far too large')
  }
  return size <= BODY_LIMIT_BYTES ? Buffer.concat(chunks) : undefined
}

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/.test(host)
}
