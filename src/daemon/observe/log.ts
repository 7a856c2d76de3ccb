import { type Logger, pino, stdTimeFunctions } from 'pino'
import { toKefuError } from '../../errors.js'

/** How severe a line is. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Facts beside the event: ids, counts, durations; never message bodies, tokens or keys. `error` may be anything that was thrown. */
export type LogFields = { readonly [field: string]: unknown }

/**
 * Where the daemon says what happens: one JSON line per event, with `time`, `level`, `event` and the fields. An event is a fixed word such as
 * `daemon.ready`. At most 200 lines a second are written (what was left out is counted in a `log.dropped` line) and 8 KiB of one line.
 */
export type Log = { readonly [L in LogLevel]: (event: string, fields?: LogFields) => void } & {
  /** Changes the least severe level that is written. */
  setLevel(level: LogLevel): void
  /** Says how many lines were left out, if any, and closes the sink. */
  close(): void
}

/** Takes whole lines, each with its line feed, before `write` returns. */
export type LogSink = { write(line: string): void; close?(): void }

const LINES_PER_SECOND = 200
const LINE_LIMIT_LENGTH = 8 * 1024
const FIELD_LIMIT_LENGTH = 2 * 1024
const SECRET_FIELDS = [
  'token',
  'secret',
  'identitySecret',
  'signature',
  'authorization',
  'cookie',
  'password',
  'passphrase',
  'text',
  'parts',
]

/** A log on a sink. `nowMs` is monotonic. */
export function createLog(level: LogLevel, sink: LogSink, nowMs: () => number = () => performance.now()): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: [...SECRET_FIELDS, ...SECRET_FIELDS.map(name => `*.${name}`)], censor: '[redacted]' },
    },
    { write: line => sink.write(bounded(line)) },
  )
  const flood = createFloodGate(nowMs, dropped => logger.warn({ event: 'log.dropped', lines: dropped }))
  const at = (name: LogLevel) => (event: string, fields?: LogFields) => {
    if (logger.isLevelEnabled(name) && flood.passes()) write(logger, name, event, fields)
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    setLevel(next) {
      logger.level = next
    },
    close() {
      flood.flush()
      sink.close?.()
    },
  }
}

function write(logger: Logger, level: LogLevel, event: string, fields: LogFields = {}): void {
  const line: Record<string, unknown> = { event }
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'error') Object.assign(line, describeError(value))
    else line[name] = typeof value === 'string' ? value.slice(0, FIELD_LIMIT_LENGTH) : value
  }
  logger[level](line)
}

/** Code and sentence; for a bug the stack, too. */
function describeError(thrown: unknown): LogFields {
  const { code, message, cause } = toKefuError(thrown)
  const text = message.slice(0, FIELD_LIMIT_LENGTH)
  if (code !== 'KEFU_INTERNAL') return { code, message: text }
  const stack = cause instanceof Error ? cause.stack?.slice(0, 2 * FIELD_LIMIT_LENGTH) : undefined
  return { code, message: text, stack }
}

function bounded(line: string): string {
  if (line.length <= LINE_LIMIT_LENGTH) return line
  const { time, level, event } = JSON.parse(line) as LogFields
  return `${JSON.stringify({ level, time, event, truncated: line.length })}\n`
}

function createFloodGate(nowMs: () => number, report: (dropped: number) => void): { passes(): boolean; flush(): void } {
  let windowStart = nowMs()
  let written = 0
  let dropped = 0
  const flush = (): void => {
    if (dropped > 0) report(dropped)
    dropped = 0
  }
  return {
    flush,
    passes() {
      if (nowMs() - windowStart >= 1000) {
        windowStart = nowMs()
        written = 0
        flush()
      }
      if (written < LINES_PER_SECOND) {
        written++
        return true
      }
      dropped++
      return false
    },
  }
}
