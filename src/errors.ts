/**
 * The one table of everything that can go wrong: daemon, client and CLI derive exit codes, HTTP statuses, hints, `kefu errors` and docs from it.
 * Codes are never renamed, renumbered or reused.
 */
type Row = {
  /** Sentence for a person; `{name}` is filled from the error's detail. */
  readonly message: string
  /** Exit code of the CLI. */
  readonly exit: number
  /** HTTP status, where the code can be the answer to a request. */
  readonly http: number
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
  /** The next step, or the command to run. */
  readonly hint: string
}

/** Every error, by its code. */
export const ERRORS = {
  KEFU_USAGE: {
    message: '{reason}',
    exit: 2,
    http: 400,
    retryable: false,
    hint: 'add --help to the command to see its flags',
  },
  KEFU_DAEMON_UNREACHABLE: {
    message: 'the daemon of {home} is not running (no answer on its control socket)',
    exit: 10,
    http: 503,
    retryable: true,
    hint: 'kefu daemon start, or kefu --home DIR … if you meant another one',
  },
  KEFU_DAEMON_ALREADY_RUNNING: {
    message: 'a daemon is already running for {home}',
    exit: 11,
    http: 409,
    retryable: false,
    hint: 'kefu daemon status',
  },
  KEFU_DAEMON_START_FAILED: {
    message: 'the daemon did not become ready: {reason}',
    exit: 1,
    http: 500,
    retryable: false,
    hint: 'kefu daemon logs',
  },
  KEFU_LOG_NOT_FOUND: {
    message: 'there is no log file {path}',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'kefu daemon start logs to it; kefu daemon run logs to its own terminal',
  },
  KEFU_DAEMON_VERSION_MISMATCH: {
    message: 'this kefu speaks control protocol {client}, the daemon speaks {daemon}',
    exit: 17,
    http: 426,
    retryable: false,
    hint: 'kefu daemon restart',
  },
  KEFU_CONTROL_PROTOCOL: {
    message: 'the control request is not understood: {reason}',
    exit: 70,
    http: 400,
    retryable: false,
    hint: 'use the kefu of the same version as the daemon',
  },
  KEFU_CONTROL_REFUSED: {
    message: 'this user may not use the control socket {path}',
    exit: 12,
    http: 403,
    retryable: false,
    hint: 'run it as the user who runs the daemon',
  },
  KEFU_CONTROL_DIRECTORY: {
    message: 'the control socket folder {path} is not safe: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'make it yours alone: chmod 700, or choose another --home',
  },
  KEFU_SECRET_UNSAFE: {
    message: 'the server secret {path} cannot be used: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'make it yours alone: chmod 600, or restore it from a backup; a new one would invalidate all visitor tokens',
  },
  KEFU_CONFIG_INVALID: {
    message: 'the configuration is not valid: {reason}',
    exit: 15,
    http: 400,
    retryable: false,
    hint: 'kefu config check',
  },
  KEFU_CONFIG_UNKNOWN_KEY: {
    message: 'there is no configuration key "{key}"{suggestion}',
    exit: 15,
    http: 400,
    retryable: false,
    hint: 'kefu config list',
  },
  KEFU_STORE_LOCKED: {
    message: 'the store at {path} is in use by another process',
    exit: 11,
    http: 409,
    retryable: true,
    hint: 'kefu daemon status, or stop the other process',
  },
  KEFU_STORE_NOT_FOUND: {
    message: 'there is no store at {path}',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'kefu daemon start makes one, or kefu --home DIR … if you meant another one',
  },
  KEFU_STORE_UNWRITABLE: {
    message: 'the folder {path} cannot be written: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'check its owner and mode, or choose another --home',
  },
  KEFU_STORE_CORRUPT: {
    message: 'stored data is damaged: {where}',
    exit: 16,
    http: 500,
    retryable: false,
    hint: 'kefu store check --deep, then restore from a backup',
  },
  KEFU_STORE_FULL: {
    message: 'the disk is full: nothing was stored',
    exit: 1,
    http: 507,
    retryable: true,
    hint: 'free space on the disk; the daemon goes on by itself',
  },
  KEFU_STORE_UNAVAILABLE: {
    message: 'the store did not take the write ({reason}); it may or may not be stored',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'send it again with the same id',
  },
  KEFU_STORE_UNREADABLE: {
    message: 'the store cannot be read at the moment ({reason})',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'try again; if it stays so, kefu daemon logs',
  },
  KEFU_STORE_FORMAT_NEWER: {
    message: 'the store has format {found}, this kefu knows up to {known}',
    exit: 17,
    http: 500,
    retryable: false,
    hint: 'upgrade kefu',
  },
  KEFU_STORE_CONFLICT: {
    message: 'the conversation has moved on: expected n {expected}, it is {actual}',
    exit: 14,
    http: 409,
    retryable: true,
    hint: 'read it again and decide anew',
  },
  KEFU_DIRECTORY_EXISTS: {
    message: 'the entry {key} exists already',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'read it first',
  },
  KEFU_DIRECTORY_CONFLICT: {
    message: 'the entry {key} was changed or removed meanwhile',
    exit: 14,
    http: 409,
    retryable: true,
    hint: 'read it again and decide anew',
  },
  KEFU_QUEUE_FULL: {
    message: 'too much is waiting to be stored',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'try again in a moment',
  },
  KEFU_CODEC_INVALID: {
    message: 'the bytes are not valid: {reason}',
    exit: 1,
    http: 400,
    retryable: false,
    hint: 'check what was sent against docs/protocol.md',
  },
  KEFU_FRAME_INVALID: {
    message: 'the frame is not valid: {reason}',
    exit: 1,
    http: 400,
    retryable: false,
    hint: 'check what was sent against docs/protocol.md',
  },
  KEFU_FRAME_UNEXPECTED: {
    message: 'a {kind} frame is not allowed here: {reason}',
    exit: 1,
    http: 400,
    retryable: false,
    hint: 'send hello first, then the frames of your role',
  },
  KEFU_MESSAGE_TOO_LARGE: {
    message: 'the message has {bytes} bytes, the limit is {limit}',
    exit: 1,
    http: 413,
    retryable: false,
    hint: 'split it, or upload it as media',
  },
  KEFU_BODY_TOO_LARGE: {
    message: 'the request body is larger than {limit} bytes',
    exit: 1,
    http: 413,
    retryable: false,
    hint: 'send less',
  },
  KEFU_RATE_LIMITED: {
    message: 'too many {what}',
    exit: 1,
    http: 429,
    retryable: true,
    hint: 'wait for the time stated in the answer',
  },
  KEFU_UNAUTHORISED: {
    message: 'the token or signature was not accepted',
    exit: 12,
    http: 401,
    retryable: false,
    hint: 'check the token; kefu agent token NAME or kefu channel token NAME makes a new one',
  },
  KEFU_ORIGIN_REFUSED: {
    message: 'the page origin {origin} is not among the origins of this channel',
    exit: 12,
    http: 403,
    retryable: false,
    hint: 'kefu channel set NAME --origin URL, with every origin that may connect',
  },
  KEFU_HELLO_TIMEOUT: {
    message: 'no hello came within {seconds} seconds',
    exit: 18,
    http: 408,
    retryable: true,
    hint: 'send hello as the first frame',
  },
  KEFU_SLOW_CONSUMER: {
    message: 'the peer reads too slowly',
    exit: 1,
    http: 408,
    retryable: true,
    hint: 'connect again and resume',
  },
  KEFU_CHANNEL_NOT_FOUND: {
    message: 'there is no channel "{name}"{suggestion}',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'kefu channel list',
  },
  KEFU_CHANNEL_EXISTS: {
    message: 'the channel "{name}" exists with other settings',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'kefu channel show {name}',
  },
  KEFU_AGENT_NOT_FOUND: {
    message: 'there is no agent "{name}"{suggestion}',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'kefu agent list',
  },
  KEFU_CHANNEL_NUMBERS_USED: {
    message: 'all {limit} channel numbers have been given out',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'use a channel that exists; numbers are never given out twice',
  },
  KEFU_CONVERSATION_NOT_FOUND: {
    message: 'there is no such conversation for you',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'check its id',
  },
  KEFU_MEDIA_NOT_FOUND: {
    message: 'there is no such file for you',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'ask for a fresh link',
  },
  KEFU_MEDIA_UNAVAILABLE: {
    message: 'the file could not be stored or read: {reason}',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'try again in a moment',
  },
  KEFU_PORT_TAKEN: {
    message: '{host}:{port} is taken by another program',
    exit: 11,
    http: 500,
    retryable: true,
    hint: 'kefu config set http.port PORT, or stop the other program',
  },
  KEFU_PORT_REFUSED: {
    message: 'cannot listen on {host}:{port}: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'kefu config set http.host / http.port',
  },
  KEFU_LIMIT_FILES: {
    message: 'the open-file limit {limit} is too small: {needed} are needed for limits.connections',
    exit: 15,
    http: 500,
    retryable: false,
    hint: 'raise it (ulimit -n, LimitNOFILE=) or lower limits.connections',
  },
  KEFU_NOT_FOUND: {
    message: 'there is nothing at this address',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'check the path',
  },
  KEFU_REQUEST_INVALID: {
    message: 'the request is not valid: {reason}',
    exit: 2,
    http: 400,
    retryable: false,
    hint: 'check what was sent against docs/protocol.md',
  },
  KEFU_METHOD_NOT_ALLOWED: {
    message: 'this address does not take this method; it takes {allow}',
    exit: 2,
    http: 405,
    retryable: false,
    hint: 'use one of the methods named',
  },
  KEFU_ENCODING_UNSUPPORTED: {
    message: 'the content encoding is not supported',
    exit: 2,
    http: 415,
    retryable: false,
    hint: 'send the body as it is, or with Content-Encoding: zstd',
  },
  KEFU_RANGE_INVALID: {
    message: 'the range is not within the {sizeBytes} bytes of the file',
    exit: 2,
    http: 416,
    retryable: false,
    hint: 'ask for a range inside the file, or for all of it',
  },
  KEFU_DRAINING: {
    message: 'the daemon is shutting down',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'connect again in a moment',
  },
  KEFU_DISCONNECTED: {
    message: 'the connection was lost: {reason}',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'connect again; what was not acknowledged is sent again',
  },
  KEFU_TIMEOUT: {
    message: '{what} took longer than {timeoutMs} ms',
    exit: 18,
    http: 504,
    retryable: true,
    hint: 'try again, or allow more with --timeout',
  },
  KEFU_ABORTED: { message: 'interrupted', exit: 130, http: 499, retryable: true, hint: 'run it again' },
  KEFU_INTERNAL: {
    message: 'kefu failed in a way that it should not: {reason}',
    exit: 70,
    http: 500,
    retryable: false,
    hint: 'please report this with the log',
  },
} as const satisfies Record<string, Row>

/** A code of the table. */
export type ErrorCode = keyof typeof ERRORS

/** Values for the placeholders of a message; never secrets. */
export type ErrorDetail = Readonly<Record<string, string | number>>

/** What is told to the other side, over the wire, HTTP, the control socket or as JSON. */
export type ErrorReport = {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly exit: number
  readonly retryable: boolean
}

/** The only error type that kefu throws on purpose. `code` is stable, everything else is looked up in the table. */
export class KefuError extends Error {
  override readonly name = 'KefuError'
  readonly code: ErrorCode
  readonly detail: ErrorDetail

  constructor(code: ErrorCode, detail: ErrorDetail = {}, options?: ErrorOptions) {
    super(fill(ERRORS[code].message, detail), options)
    this.code = code
    this.detail = detail
  }

  get exit(): number {
    return ERRORS[this.code].exit
  }

  get status(): number {
    return ERRORS[this.code].http
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
  }

  get hint(): string {
    return fill(ERRORS[this.code].hint, this.detail)
  }

  /** The error as plain data; without stack and cause. */
  report(): ErrorReport {
    return { code: this.code, message: this.message, hint: this.hint, exit: this.exit, retryable: this.retryable }
  }
}

/** Whether `error` is a KefuError, of `code` when one is given. */
export function isKefuError(error: unknown, code?: ErrorCode): error is KefuError {
  return error instanceof KefuError && (code === undefined || error.code === code)
}

/** Any thrown value as a KefuError: itself, or `KEFU_INTERNAL` with the original as cause. */
export function toKefuError(error: unknown): KefuError {
  if (error instanceof KefuError) return error
  return new KefuError(
    'KEFU_INTERNAL',
    { reason: error instanceof Error ? error.message : String(error) },
    { cause: error },
  )
}

function fill(template: string, detail: ErrorDetail): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(detail[name] ?? ''))
}
