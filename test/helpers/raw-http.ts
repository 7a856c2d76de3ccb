import { type RawConnection, rawConnect } from './raw-connection.js'

/** A response as it came over the wire. */
export type RawResponse = {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** The bytes of a request. `headers` are lines; `host` is added. */
export function rawRequest(method: string, path: string, headers: readonly string[] = [], body = ''): string {
  return `${[`${method} ${path} HTTP/1.1`, 'host: test', ...headers].join('\r\n')}\r\n\r\n${body}`
}

/** The first whole responses in `bytes`; `isHead` when none of them has a body. An unfinished one is left out. */
export function parseResponses(bytes: Buffer, isHead = false): RawResponse[] {
  const responses: RawResponse[] = []
  let at = 0
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end === -1) return responses
    const [line = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n')
    const headers: Record<string, string> = {}
    for (const header of lines) {
      const colon = header.indexOf(':')
      headers[header.slice(0, colon).toLowerCase()] = header.slice(colon + 1).trim()
    }
    const status = Number(line.split(' ')[1])
    const start = end + 4
    const isEmpty = isHead || status === 204 || status === 304
    const found = isEmpty ? { body: Buffer.alloc(0), end: start } : readBody(bytes, start, headers)
    if (found === undefined) return responses
    responses.push({ status, headers, body: found.body })
    at = found.end
  }
}

/** Sends `request` on a new connection and gives the first response. The connection is closed afterwards. */
export async function rawExchange(
  port: number,
  request: string | Buffer,
  timeoutMs?: number,
  host?: string,
): Promise<RawResponse> {
  const connection = await rawConnect(port, host === undefined ? {} : { host })
  try {
    connection.write(request)
    return await nextResponse(connection, 0, timeoutMs, request.toString('latin1', 0, 5).startsWith('HEAD'))
  } finally {
    connection.destroy()
  }
}

/** The response number `index` (from 0) on `connection`. */
export async function nextResponse(
  connection: RawConnection,
  index = 0,
  timeoutMs?: number,
  isHead = false,
): Promise<RawResponse> {
  const bytes = await connection.until(received => parseResponses(received, isHead).length > index, timeoutMs)
  const response = parseResponses(bytes, isHead)[index]
  if (response === undefined) throw new Error('no response')
  return response
}

type Found = { readonly body: Buffer; readonly end: number }

function readBody(bytes: Buffer, start: number, headers: Readonly<Record<string, string>>): Found | undefined {
  if (headers['transfer-encoding'] === 'chunked') return readChunks(bytes, start)
  const end = start + Number(headers['content-length'] ?? 0)
  return end > bytes.byteLength ? undefined : { body: bytes.subarray(start, end), end }
}

function readChunks(bytes: Buffer, start: number): Found | undefined {
  const chunks: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const line = bytes.toString('latin1', at, lineEnd)
    if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line.slice(0, 60))}`)
    const size = Number.parseInt(line, 16)
    const end = lineEnd + 2 + size
    if (bytes.byteLength < end + 2) return undefined
    if (bytes.toString('latin1', end, end + 2) !== '\r\n') throw new Error('a chunk is longer than its size')
    if (size === 0) return { body: Buffer.concat(chunks), end: end + 2 }
    chunks.push(bytes.subarray(lineEnd + 2, end))
    at = end + 2
  }
}
