import type { ServerResponse } from 'node:http'
import type { ApiRequest } from './api.js'
import type { PlatformEmulator } from './platform-emulator.js'

const HEARTBEAT_MS = 15_000
/** A reader that is this far behind is cut off. */
const BEHIND_LIMIT_BYTES = 1024 * 1024

/**
 * What is sent to a user (or to everybody) from now on, one JSON object a line: `{"type":"ready","kind"}` first, then `{"type":"sent","message":{…}}`,
 * `{"type":"typing","user","isTyping"}`, and
 * `{"type":"alive"}` every 15 s.
 */
export function streamSent(
  emulator: PlatformEmulator,
  { query }: ApiRequest,
  response: ServerResponse,
  closed: AbortSignal,
): void {
  const { clock, sent } = emulator.core
  const user = query.get('user')
  const write = (value: object): void => {
    if (response.writableLength > BEHIND_LIMIT_BYTES) response.destroy()
    else response.write(`${JSON.stringify(value)}\n`)
  }
  const stop = sent.listen(event => {
    if (user === null || (event.type === 'sent' ? event.message.user : event.user) === user) write(event)
  })
  if (stop === undefined) {
    response.writeHead(503).end()
    return
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  write({ type: 'ready', kind: emulator.kind })
  let cancel: () => void = () => {}
  const beat = (): void => {
    write({ type: 'alive' })
    cancel = clock.after(HEARTBEAT_MS, beat)
  }
  cancel = clock.after(HEARTBEAT_MS, beat)
  const end = (): void => {
    stop()
    cancel()
    closed.removeEventListener('abort', cut)
  }
  const cut = (): void => {
    response.destroy()
  }
  response.once('close', end)
  closed.addEventListener('abort', cut)
}
