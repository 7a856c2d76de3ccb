import { request as httpRequest, type IncomingMessage } from 'node:http'
import { ERRORS, type ErrorCode, KefuError } from '../../errors.js'
import { CALLER_HEADER, type Caller, callerHeader } from './caller.js'
import type { AnswerOf, Operation, RequestOf, StreamOperation, UnaryOperation } from './operations.js'
import { CONTROL_PROTOCOL, PROTOCOL_HEADER, VERSION_HEADER } from './protocol.js'

export type { AuditEntryView } from './audit-operations.js'
export type { CannedRowView, CannedView } from './canned-operations.js'
export type { ContactConversationView, ContactView } from './contact-operations.js'
export type { CredentialView } from './credential-operations.js'
export type { HistoryRecordView, HistoryTraceView } from './history-schemas.js'
export type { DeadLetterView, HookView } from './hook-operations.js'
export type { MetricsReading, SlowConsumerView } from './metrics-schemas.js'
export type { AnswerOf, RequestOf } from './operations.js'
export type { OutboxRowView, OutboxTotalsView } from './outbox-schemas.js'
export type { QueueEntryView, QueueExplanationView, QueueRowView, QueueTotalsView } from './queue-schemas.js'
export type { AgentView, ChannelView, DaemonStatus, TeamView } from './schemas.js'
export type { SearchHitView, SearchLineView, SearchStatusView } from './search-schemas.js'
export type { AgentMeasuresView, MeasuresView, SimulationEventView } from './simulation-schemas.js'

/** Which daemon to talk to, and how. */
export type ControlClientOptions = {
  readonly socketPath: string
  /** What messages call the daemon. */
  readonly home: string
  /** This program's version. */
  readonly version: string
  /** Who asks, for the audit log. */
  readonly caller?: Caller
  /** Time for one answer; streams have none. */
  readonly timeoutMs: number
  /** Aborts every call. */
  readonly signal?: AbortSignal
  /** Called once when the daemon is of another minor version, with a sentence. */
  readonly onNotice?: (sentence: string) => void
}

/** One call's own deadline. */
export type CallOptions = { readonly timeoutMs?: number }

/**
 * The daemon's operations. Every call throws `KEFU_DAEMON_UNREACHABLE` (nobody answers), `KEFU_CONTROL_REFUSED` (no permission), `KEFU_TIMEOUT`,
 * `KEFU_ABORTED`, `KEFU_DISCONNECTED` (gone before the answer was complete: what it asked for may have been done), `KEFU_DAEMON_VERSION_MISMATCH`,
 * and what the operation throws.
 */
export type ControlClient = {
  call<O extends UnaryOperation>(operation: O, request: RequestOf<O>, options?: CallOptions): Promise<AnswerOf<O>>
  /** The events in order. Leaving the loop ends the operation. */
  stream<O extends StreamOperation>(operation: O, request: RequestOf<O>): AsyncIterable<AnswerOf<O>>
  /** The same as the bytes that came, whole lines of JSON at a time: for those who pass them on. */
  lines<O extends StreamOperation>(operation: O, request: RequestOf<O>): AsyncIterable<Buffer>
}

const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024
const LINE_LIMIT_LENGTH = 1024 * 1024

/** A client of the control socket. Holds no connection between calls. */
export function createControlClient(options: ControlClientOptions): ControlClient {
  let isNoticed = false
  const notice = (daemon: string): void => {
    if (isNoticed || minorOf(daemon) === minorOf(options.version)) return
    isNoticed = true
    options.onNotice?.(`daemon ${daemon}, cli ${options.version}: run kefu daemon restart`)
  }

  const open = async (operation: Operation, request: unknown, signal: AbortSignal): Promise<IncomingMessage> => {
    const response = await send(options, operation, request, signal)
    const protocol = response.headers[PROTOCOL_HEADER]
    if (protocol !== undefined && protocol !== String(CONTROL_PROTOCOL)) {
      response.destroy()
      throw new KefuError('KEFU_DAEMON_VERSION_MISMATCH', { client: CONTROL_PROTOCOL, daemon: String(protocol) })
    }
    const version = response.headers[VERSION_HEADER]
    if (typeof version === 'string') notice(version)
    if (response.statusCode === 200) return response
    throw reportedIn(await readJson(response))
  }

  async function* streamed<T>(
    operation: StreamOperation,
    request: unknown,
    read: (response: IncomingMessage) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    const ended = new AbortController()
    const signal = options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal])
    try {
      yield* read(await open(operation, request, signal))
    } catch (error) {
      if (options.signal?.aborted) throw new KefuError('KEFU_ABORTED', {}, { cause: error })
      throw explain(error, options)
    } finally {
      ended.abort()
    }
  }

  return {
    async call<O extends UnaryOperation>(operation: O, request: RequestOf<O>, own: CallOptions = {}) {
      const timeoutMs = own.timeoutMs ?? options.timeoutMs
      const deadline = AbortSignal.timeout(timeoutMs)
      const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline])
      try {
        return (await readJson(await open(operation, request, signal))) as AnswerOf<O>
      } catch (error) {
        if (options.signal?.aborted) throw new KefuError('KEFU_ABORTED', {}, { cause: error })
        if (deadline.aborted) throw new KefuError('KEFU_TIMEOUT', { what: operation, timeoutMs }, { cause: error })
        throw explain(error, options)
      }
    },
    async *stream<O extends StreamOperation>(operation: O, request: RequestOf<O>) {
      for await (const line of streamed(operation, request, linesOf)) {
        const event = parseJson(line)
        if (isFailure(event)) throw reportedIn(event)
        yield event as AnswerOf<O>
      }
    },
    lines: (operation, request) => streamed(operation, request, wholeLinesOf),
  }
}

/**
 * An error that another process reported: with its sentence and hint, and the exit code of its code. A code that this version does not know becomes
 * `KEFU_INTERNAL`.
 */
export class ReportedError extends KefuError {
  readonly #hint: string | undefined

  constructor(report: { readonly code: string; readonly message: string; readonly hint?: string }) {
    super(isErrorCode(report.code) ? report.code : 'KEFU_INTERNAL')
    this.message = isErrorCode(report.code) ? report.message : `${report.message} (${report.code})`
    this.#hint = report.hint
  }

  override get hint(): string {
    return this.#hint ?? super.hint
  }
}

/** The error in `{error: {code, message, hint}}`, as the control socket and `--json` write it; `undefined` for any other value. */
export function reportedError(value: unknown): ReportedError | undefined {
  if (!isFailure(value)) return undefined
  const { code, message, hint } = value.error as { readonly [field: string]: unknown }
  if (typeof code !== 'string' || typeof message !== 'string') return undefined
  return new ReportedError({ code, message, ...(typeof hint === 'string' ? { hint } : {}) })
}

function send(
  { socketPath, caller }: ControlClientOptions,
  operation: Operation,
  request: unknown,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const body = JSON.stringify(request)
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        socketPath,
        path: `/v1/${operation}`,
        method: 'POST',
        agent: false,
        signal,
        headers: {
          host: 'kefu',
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          [PROTOCOL_HEADER]: String(CONTROL_PROTOCOL),
          ...(caller === undefined ? {} : { [CALLER_HEADER]: callerHeader(caller) }),
        },
      },
      resolve,
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > ANSWER_LIMIT_BYTES) throw protocolError('the answer is too large')
    chunks.push(chunk)
  }
  return parseJson(Buffer.concat(chunks).toString('utf8'))
}

async function* linesOf(response: IncomingMessage): AsyncIterable<string> {
  response.setEncoding('utf8')
  let rest = ''
  for await (const chunk of response as AsyncIterable<string>) {
    rest += chunk
    let end = rest.indexOf('\n')
    while (end >= 0) {
      yield rest.slice(0, end)
      rest = rest.slice(end + 1)
      end = rest.indexOf('\n')
    }
    if (rest.length > LINE_LIMIT_LENGTH) throw protocolError('a line is too long')
  }
  if (rest !== '') throw protocolError('the last line is not complete')
}

/** The line that ends a stream which failed begins so, and no other does. */
const FAILURE = Buffer.from('{"error":')
const LINE_FEED = 0x0a

/** What came, cut behind lines. Throws the failure that the last line tells. */
async function* wholeLinesOf(response: IncomingMessage): AsyncIterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(LINE_FEED) + 1
    rest = bytes.subarray(end)
    if (rest.length > LINE_LIMIT_LENGTH) throw protocolError('a line is too long')
    if (end === 0) continue
    // It comes last, so it is the last of the whole lines, too.
    const last = bytes.lastIndexOf(LINE_FEED, end - 2) + 1
    const isFailed = end > 1 && bytes.subarray(last, last + FAILURE.length).equals(FAILURE)
    const lines = bytes.subarray(0, isFailed ? last : end)
    if (lines.length > 0) yield lines
    if (isFailed) throw reportedIn(parseJson(bytes.toString('utf8', last, end)))
  }
  if (rest.length > 0) throw protocolError('the last line is not complete')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new KefuError('KEFU_CONTROL_PROTOCOL', { reason: 'the answer is not JSON' }, { cause: error })
  }
}

function isFailure(value: unknown): value is { readonly error: object } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'error' in value &&
    typeof value.error === 'object' &&
    value.error !== null
  )
}

function reportedIn(value: unknown): KefuError {
  return reportedError(value) ?? protocolError('the answer is not one of kefu')
}

function explain(error: unknown, { home, socketPath }: ControlClientOptions): unknown {
  if (error instanceof KefuError || !(error instanceof Error)) return error
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK')
    return new KefuError('KEFU_DAEMON_UNREACHABLE', { home, path: socketPath }, { cause: error })
  if (code === 'EACCES' || code === 'EPERM')
    return new KefuError('KEFU_CONTROL_REFUSED', { path: socketPath }, { cause: error })
  if (code.startsWith('HPE_')) return protocolError('the answer is not HTTP')
  if (code !== '') return new KefuError('KEFU_DISCONNECTED', { reason: code }, { cause: error })
  return error
}

function protocolError(reason: string): KefuError {
  return new KefuError('KEFU_CONTROL_PROTOCOL', { reason })
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code)
}
