import { ERRORS, type ErrorCode } from './errors/table.js'

export { ERRORS, type ErrorCode }

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

/** What a client over the network is told: nothing about commands and settings of the server. */
export type PeerReport = Pick<ErrorReport, 'code' | 'message' | 'hint' | 'retryable'>

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

  /** The error for a client over the network: with the hint for those who cannot reach the server otherwise. */
  peerReport(): PeerReport {
    const { hint, peerHint = hint }: { readonly hint: string; readonly peerHint?: string } = ERRORS[this.code]
    return { code: this.code, message: this.message, hint: fill(peerHint, this.detail), retryable: this.retryable }
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
