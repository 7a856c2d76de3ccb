import { KefuError } from '../../errors.js'
import type { Callback, CallbackAnswer } from '../core/channel-adapter.js'
import type { HttpResponse } from '../transport/port.js'
import type { Route, RouteRequest } from './route.js'

/** What callbacks of platforms need from outside. */
export type CallbackPorts = {
  readonly clock: { now(): number }
  /**
   * Takes a request to a channel's callback address, whose body has `limitBytes` at most: the answer is given when everything is on disk. Throws KefuErrors, which
   * say their status.
   */
  readonly receive: (
    channel: string,
    arriving: { readonly limitBytes: number; readonly read: () => Promise<Callback> },
  ) => Promise<CallbackAnswer>
}

/** Largest body of a callback. */
export const CALLBACK_BYTES = 1024 * 1024
/** Platforms wait five seconds in all. */
const BODY_TIMEOUT_MS = 3_000
const EMPTY = new Uint8Array()

/** `GET` and `POST /v1/channels/:channel/callback`: what platforms send. Verified by the channel's own adapter, over the bytes as they came. */
export function callbackRoutes(ports: CallbackPorts): readonly Route[] {
  const handle = (request: RouteRequest) => answer(ports, request)
  const path = '/v1/channels/:channel/callback'
  return [
    { method: 'GET', path, isForPages: false, handle },
    { method: 'POST', path, isForPages: false, handle },
  ]
}

async function answer({ clock, receive }: CallbackPorts, { http, params }: RouteRequest): Promise<HttpResponse> {
  const method = http.method === 'POST' ? 'POST' : 'GET'
  const limitBytes = method === 'GET' ? 0 : Math.min(CALLBACK_BYTES, Number(http.header('content-length') ?? Infinity))
  const read = async (): Promise<Callback> => {
    const bytes =
      method === 'POST' ? await http.body({ limitBytes: CALLBACK_BYTES, timeoutMs: BODY_TIMEOUT_MS }) : EMPTY
    return { method, query: http.query, header: name => http.header(name), bytes, arrivedAtMs: clock.now() }
  }
  const { status, contentType, body } = await receive(channelName(params.channel!), { limitBytes, read })
  return { status, headers: { 'content-type': contentType }, body }
}

function channelName(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new KefuError('KEFU_NOT_FOUND', {}, { cause })
  }
}
