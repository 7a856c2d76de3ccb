/** Why a request is refused before any handler sees it: `framing` is answered 400, `size` 431; both close the connection. */
export type HeaderFault = 'framing' | 'size'

/** The headers of one request, names in lower case, values of a repeated header joined with `, ` in their order. */
export type RequestHeaders = {
  readonly values: ReadonlyMap<string, string>
  readonly fault: HeaderFault | undefined
  /** The declared length of the body; `undefined` when it is chunked. 0 without a body. */
  readonly contentLength: number | undefined
}

const LENGTH = /^\d{1,15}$/
/** Bytes of a header line and of a request line that are neither name nor value: `: ` and CRLF; spaces, `HTTP/1.1` and CRLF. */
const HEADER_OVERHEAD_BYTES = 4
const REQUEST_LINE_OVERHEAD_BYTES = 12

/**
 * Takes the headers of one request as the parser found them, one call of `add` each, and judges them in `finish`.
 * A request whose end two parsers could see at different places is at fault: two `Content-Length`, one that is not a plain number, any
 * `Transfer-Encoding` but exactly `chunked`, both at once, two `Host`.
 */
export class HeaderReader {
  readonly #limitBytes: number
  readonly #values = new Map<string, string>()
  #bytes: number
  #isAmbiguous = false

  /** `requestLine` is the method and the whole address, without spaces. */
  constructor(limitBytes: number, requestLine: string) {
    this.#limitBytes = limitBytes
    this.#bytes = requestLine.length + REQUEST_LINE_OVERHEAD_BYTES
  }

  add(name: string, value: string): void {
    this.#bytes += name.length + value.length + HEADER_OVERHEAD_BYTES
    const before = this.#values.get(name)
    if (before === undefined) {
      this.#values.set(name, value)
      return
    }
    if (name === 'content-length' || name === 'transfer-encoding' || name === 'host') this.#isAmbiguous = true
    this.#values.set(name, `${before}, ${value}`)
  }

  finish(): RequestHeaders {
    const length = this.#values.get('content-length')
    const encoding = this.#values.get('transfer-encoding')
    const isFramed =
      !this.#isAmbiguous &&
      (length === undefined || (encoding === undefined && LENGTH.test(length))) &&
      (encoding === undefined || encoding === 'chunked')
    return {
      values: this.#values,
      fault: this.#bytes > this.#limitBytes ? 'size' : isFramed ? undefined : 'framing',
      contentLength: encoding === undefined ? Number(length ?? 0) : undefined,
    }
  }
}

/** The HTTP status of a fault. */
export function faultStatus(fault: HeaderFault): 400 | 431 {
  return fault === 'size' ? 431 : 400
}
