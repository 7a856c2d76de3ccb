import { KefuError } from '../../errors.js'
import type { TransportHandlers, UpgradeDecision, UpgradeRequest } from './port.js'
import type { RequestHeaders } from './smuggling.js'

/** A refused upgrade: what is answered before the connection is closed. */
export type UpgradeRefusal = Extract<UpgradeDecision, { accept: false }>

/** An accepted upgrade. */
export type UpgradeAcceptance = Extract<UpgradeDecision, { accept: true }>

/** What an upgrade is judged on. */
export type UpgradeAttempt = {
  readonly method: string
  readonly path: string
  readonly headers: RequestHeaders
  readonly remoteAddress: string
  /** Whether another socket may be opened: the listener accepts and is below its connection limit. */
  readonly hasRoom: boolean
}

const KEY = /^[+/0-9A-Za-z]{22}==$/
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Whether a request asks for a WebSocket, rightly or not. */
export function isUpgrade(headers: RequestHeaders): boolean {
  return hasToken(headers.values.get('upgrade'), 'websocket')
}

/**
 * The decision on an upgrade: the protocol's own rules (RFC 6455 section 4.2.1), then room, then the handler. A handler that throws or
 * that decides what cannot be is reported and answered 500.
 */
export function decideUpgrade(
  attempt: UpgradeAttempt,
  handlers: TransportHandlers,
  report: (error: unknown) => void,
): UpgradeDecision {
  const { values, contentLength } = attempt.headers
  const subprotocols = offered(values.get('sec-websocket-protocol'))
  const isHandshake =
    attempt.method === 'GET' &&
    isUpgrade(attempt.headers) &&
    hasToken(values.get('connection'), 'upgrade') &&
    KEY.test(values.get('sec-websocket-key') ?? '') &&
    values.get('sec-websocket-version') === '13' &&
    contentLength === 0
  if (!isHandshake || subprotocols === undefined) return refuse(400)
  if (!attempt.hasRoom) return refuse(503)
  const request: UpgradeRequest = {
    path: attempt.path,
    origin: values.get('origin'),
    subprotocols,
    remoteAddress: attempt.remoteAddress,
    header: name => values.get(name.toLowerCase()),
  }
  try {
    const decision = handlers.upgrade(request)
    checkDecision(decision, subprotocols)
    return decision
  } catch (error) {
    report(error)
    return refuse(500)
  }
}

function refuse(status: 400 | 500 | 503): UpgradeRefusal {
  const message = { 400: 'not a WebSocket handshake', 500: 'internal error', 503: 'no room for another connection' }
  return { accept: false, status, message: message[status] }
}

function hasToken(header: string | undefined, token: string): boolean {
  return header?.split(',').some(part => part.trim().toLowerCase() === token) ?? false
}

function offered(header: string | undefined): string[] | undefined {
  if (header === undefined) return []
  const names = header.split(',').map(name => name.trim())
  const isValid = new Set(names).size === names.length && names.every(name => TOKEN.test(name))
  return isValid ? names : undefined
}

function checkDecision(decision: UpgradeDecision, subprotocols: readonly string[]): void {
  if (decision.accept) {
    if (decision.subprotocol === '' ? subprotocols.length === 0 : subprotocols.includes(decision.subprotocol)) return
    throw new KefuError('KEFU_INTERNAL', { reason: `the subprotocol "${decision.subprotocol}" was not offered` })
  }
  if (Number.isInteger(decision.status) && decision.status >= 300 && decision.status <= 599) return
  throw new KefuError('KEFU_INTERNAL', { reason: `an upgrade cannot be refused with status ${decision.status}` })
}
