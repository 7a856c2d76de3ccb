/** A call to the emulated platform, read as a whole. */
export type ApiRequest = {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  header(name: string): string | undefined
  readonly bytes: Buffer
}

/** What the emulated platform answers. */
export type ApiAnswer = {
  readonly status: number
  readonly contentType: string
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** A value as JSON. */
export function jsonAnswer(value: unknown, status = 200): ApiAnswer {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(value) }
}

/** A short text. */
export function textAnswer(text: string, status = 200): ApiAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: text }
}

/** The JSON object in a body; undefined for anything else. */
export function jsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a value is an object with names. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
