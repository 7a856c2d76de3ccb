import { once } from 'node:events'
import { chmod, lstat, unlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { type ErrorReport, KefuError, toKefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import type { Log } from '../observe/log.js'
import type { Auditor } from './audited.js'
import { CALLER_HEADER, callerOf } from './caller.js'
import type { Handlers } from './handlers.js'
import { Lines } from './lines.js'
import { isOperation, OPERATIONS, type Operation, type StreamOperation } from './operations.js'
import { CONTROL_PROTOCOL, PROTOCOL_HEADER, STREAM_TYPE, VERSION_HEADER } from './protocol.js'

/** What the control socket serves. */
export type ControlServerPorts = {
  readonly handlers: Handlers
  readonly auditor: Auditor
  readonly log: Log
  readonly version: string
}

/** A control socket that is open. */
export type ControlServer = {
  readonly path: string
  /** Stops accepting, lets running requests end for a second, ends the others, and removes the socket file. Idempotent. */
  close(): Promise<void>
}

/** Where to listen. `record` is a file that gets the path, for clients that cannot know it. */
export type ControlAddress = { readonly path: string; readonly home: string; readonly record?: string | undefined }

const BODY_LIMIT_BYTES = 1024 * 1024
const HEADER_LIMIT_BYTES = 8 * 1024
const CONNECTION_LIMIT = 64
const HEADER_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const PROBE_TIMEOUT_MS = 2_000
const CLOSE_GRACE_MS = 1_000
const OWNER_ONLY = 0o600

/**
 * Opens the control socket: HTTP/1.1, `POST /v1/<operation>` with JSON, answered with JSON or with one JSON document per line. The file is for its owner
 * alone. Call it while holding the store's lock, in a folder that only this user can write: a socket that nobody answers on is then left over, and replaced.
 * Throws `KEFU_DAEMON_ALREADY_RUNNING` when somebody answers, `KEFU_CONTROL_DIRECTORY` when the path cannot be bound.
 */
export async function openControlServer(
  ports: ControlServerPorts,
  { path, home, record }: ControlAddress,
): Promise<ControlServer> {
  if (await isAnswered(path)) throw new KefuError('KEFU_DAEMON_ALREADY_RUNNING', { home })
  await removeLeftOver(path)
  const texts = new WeakMap<object, Buffer>()
  const server = createServer({ maxHeaderSize: HEADER_LIMIT_BYTES }, (request, response) => {
    void serve(ports, texts, request, response)
  })
  server.maxConnections = CONNECTION_LIMIT
  server.headersTimeout = HEADER_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  try {
    server.listen(path)
    await once(server, 'listening')
    await chmod(path, OWNER_ONLY)
    if (record !== undefined) await writeFile(record, `${path}\n`, { mode: OWNER_ONLY })
  } catch (error) {
    server.close()
    throw unusable(path, error)
  }
  server.on('error', error => ports.log.error('control.failed', { error }))
  let closing: Promise<void> | undefined
  return {
    path,
    close: () => {
      closing ??= new Promise(resolve => {
        const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
        server.closeIdleConnections()
      })
      return closing
    },
  }
}

/** Whether somebody accepts connections on a socket. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.setTimeout(PROBE_TIMEOUT_MS)
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true))
    // Its queue is full: alive, and busy. Unless it was this process that stood still: then the answer is here, and comes before the next turn.
    socket.once('timeout', () => setImmediate(end, true))
    socket.once('error', error => {
      if (hasCode(error, 'ECONNREFUSED', 'ENOENT')) end(false)
      else reject(unusable(path, error))
    })
  })
}

/** Removes a socket that nobody answers on. Anything else at its place is somebody's, and stays. */
async function removeLeftOver(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) throw new KefuError('KEFU_CONTROL_DIRECTORY', { path, reason: 'it is not a socket' })
  await unlink(path).catch((error: unknown) => {
    throw unusable(path, error)
  })
}

/** One request. Every failure is answered; the promise never rejects. `texts`: what answers are as JSON, for those that several requests share. */
async function serve(
  { handlers, auditor, log, version }: ControlServerPorts,
  texts: WeakMap<object, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  response.setHeader(PROTOCOL_HEADER, String(CONTROL_PROTOCOL))
  response.setHeader(VERSION_HEADER, version)
  let operation: Operation | undefined
  const started = performance.now()
  try {
    operation = operationOf(request)
    const body = parseBody(operation, await readBody(request))
    // The table ties each handler to its own request; over all operations at once the types cannot say so.
    const handler = handlers[operation] as (body: unknown, signal: AbortSignal) => unknown
    const run = () => handler(body, gone.signal)
    const by = { kind: 'operator', ...callerOf(request.headers[CALLER_HEADER]) } as const
    if (isStream(operation)) {
      const events = auditor.stream(operation, body, by, run as () => AsyncIterable<unknown>)
      await sendStream(response, operation, events)
    } else {
      const answer = (await auditor.once(operation, body, by, run)) as object
      let text = texts.get(answer)
      if (text === undefined) {
        text = jsonOf(OPERATIONS[operation].answer.parse(answer))
        texts.set(answer, text)
      }
      sendJson(response, 200, text)
    }
    if (OPERATIONS[operation].mutates) log.info('control.operation', { operation, ms: elapsed(started) })
  } catch (error) {
    if (gone.signal.aborted) return
    const failure = toKefuError(error)
    const level = failure.code === 'KEFU_INTERNAL' ? 'error' : 'info'
    log[level]('control.refused', { operation: operation ?? 'unknown', error })
    sendFailure(response, failure)
  }
}

function operationOf(request: IncomingMessage): Operation {
  const client = request.headers[PROTOCOL_HEADER]
  if (client !== undefined && client !== String(CONTROL_PROTOCOL))
    throw new KefuError('KEFU_DAEMON_VERSION_MISMATCH', {
      client: String(client).slice(0, 20),
      daemon: CONTROL_PROTOCOL,
    })
  if (request.method !== 'POST') throw new KefuError('KEFU_METHOD_NOT_ALLOWED', { allow: 'POST' })
  const name = /^\/v1\/([\w.-]{1,64})$/.exec(request.url ?? '')?.[1]
  if (name !== undefined && isOperation(name)) return name
  const near = suggestion(name ?? '', Object.keys(OPERATIONS))
  throw new KefuError('KEFU_CONTROL_PROTOCOL', { reason: `there is no operation "${name ?? ''}"${near}` })
}

/** The body, read to its limit. The rest of a larger one is not read: the connection closes after the answer. */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_LIMIT_BYTES) throw new KefuError('KEFU_BODY_TOO_LARGE', { limit: BODY_LIMIT_BYTES })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseBody(operation: Operation, text: string): unknown {
  let value: unknown
  try {
    value = text.trim() === '' ? {} : JSON.parse(text)
  } catch {
    // Without what the parser says: it quotes the body, which may hold secrets.
    throw new KefuError('KEFU_CONTROL_PROTOCOL', { reason: 'the body is not JSON' })
  }
  const parsed = OPERATIONS[operation].request.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  // A field that is not known may be called by a secret.
  if ('hasSecrets' in OPERATIONS[operation] && issue?.code === 'unrecognized_keys')
    throw new KefuError('KEFU_USAGE', { reason: 'the request has a field that the operation does not have' })
  const field = issue?.path.join('.') || 'the request'
  throw new KefuError('KEFU_USAGE', { reason: `${field}: ${issue?.message ?? 'not valid'}` })
}

function jsonOf(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}

function sendJson(response: ServerResponse, status: number, text: Buffer): void {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length })
  response.end(text)
}

/** Events are pulled no faster than the client takes them. */
async function sendStream(
  response: ServerResponse,
  operation: StreamOperation,
  events: AsyncIterable<unknown>,
): Promise<void> {
  const { answer } = OPERATIONS[operation]
  for await (const event of events) {
    if (response.destroyed) return
    if (!response.headersSent) response.writeHead(200, { 'content-type': STREAM_TYPE })
    const line = event instanceof Lines ? event.bytes : `${JSON.stringify(answer.parse(event))}\n`
    if (!response.write(line)) await taken(response)
  }
  response.end()
}

/** Resolves when the client has taken what was written, or is gone. */
function taken(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      response.off('drain', end).off('close', end)
      resolve()
    }
    response.on('drain', end).on('close', end)
  })
}

/** An error as the answer; in a stream that has begun, as its last line. */
function sendFailure(response: ServerResponse, failure: KefuError): void {
  const error: ErrorReport = failure.report()
  if (response.headersSent) {
    response.end(`${JSON.stringify({ error })}\n`)
    return
  }
  // What is left of a request that was not read to its end must not be taken for the next one.
  response.setHeader('connection', 'close')
  sendJson(response, failure.status, jsonOf({ error }))
}

function isStream(operation: Operation): operation is StreamOperation {
  return OPERATIONS[operation].stream
}

function elapsed(started: number): number {
  return Math.round(performance.now() - started)
}

function unusable(path: string, error: unknown): KefuError {
  const reason = error instanceof Error ? error.message : String(error)
  return new KefuError('KEFU_CONTROL_DIRECTORY', { path, reason }, { cause: error })
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
