import { KefuError, toKefuError } from '../../errors.js'
import type { HttpRequest, HttpResponse } from '../transport/port.js'
import { errorResponse, SAFE_HEADERS } from './response.js'
import { createMatcher, type PathMatch, type Route } from './route.js'

/** What answering needs from outside, whatever the route. */
export type DispatchPorts = {
  /** Whether pages of this origin may use the routes for pages: those of the web channels, and kefu's own. Must not throw. */
  readonly allowsOrigin: (origin: string) => boolean
  /** Told of every failure that is not the caller's (status 500 and above, unless a channel's lane shows it), once, with the route's pattern; never with what the request said. */
  readonly report: (error: KefuError, route: string) => void
}

/** A lane that lets nobody in, or a daemon that stops, is no failure, and says itself why. Anybody can ask as often as they like: not everything else may drown in the log for that. */
const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set(['KEFU_LANE_CLOSED', 'KEFU_CREDENTIAL_MISSING', 'KEFU_DRAINING'])

/**
 * The function that answers plain HTTP requests from a table of routes; it never rejects. HEAD is answered as GET without the body; errors as `errorResponse`
 * says; unknown paths 404, other methods 405 with `Allow`; a page's preflight by what the routes allow. Every answer carries `SAFE_HEADERS`.
 */
export function createDispatch(
  ports: DispatchPorts,
  routes: readonly Route[],
): (request: HttpRequest) => Promise<HttpResponse> {
  const match = createMatcher(routes)
  return async http => {
    const found = match(http.path)
    const origin = http.header('origin')
    const isForPages = found.routes.some(route => route.isForPages)
    const headers: Record<string, string> = { ...SAFE_HEADERS }
    if (isForPages) headers.vary = 'origin'
    try {
      if (found.routes.length === 0) throw new KefuError('KEFU_NOT_FOUND')
      if (isForPages && origin !== undefined) {
        if (!ports.allowsOrigin(origin)) throw new KefuError('KEFU_ORIGIN_REFUSED', { origin: origin.slice(0, 200) })
        headers['access-control-allow-origin'] = origin
        headers['access-control-expose-headers'] = EXPOSED
      }
      return finish(await answer(found, http, origin), headers, http.method)
    } catch (thrown) {
      const error = toKefuError(thrown)
      if (error.status >= 500 && !SHOWN_ELSEWHERE.has(error.code)) ports.report(error, found.routes[0]?.path ?? '')
      if (error.code === 'KEFU_METHOD_NOT_ALLOWED') headers.allow = String(error.detail.allow)
      return finish(errorResponse(error), headers, http.method)
    }
  }
}

const EXPOSED = 'accept-ranges, content-range, etag, retry-after'
const PREFLIGHT_SECONDS = 600

function answer(
  { routes, params }: PathMatch,
  http: HttpRequest,
  origin: string | undefined,
): Promise<HttpResponse> | HttpResponse {
  if (http.method === 'OPTIONS') return preflight(routes, http)
  const isHead = http.method === 'HEAD'
  const method = isHead ? 'GET' : http.method
  const route = routes.find(each => each.method === method)
  if (route === undefined) throw new KefuError('KEFU_METHOD_NOT_ALLOWED', { allow: allowed(routes) })
  return route.handle({ http, params, isHead, origin })
}

function preflight(routes: readonly Route[], http: HttpRequest): HttpResponse {
  const allow = allowed(routes)
  if (http.header('access-control-request-method') === undefined) return { status: 204, headers: { allow } }
  return {
    status: 204,
    headers: {
      allow,
      'access-control-allow-methods': allowed(routes.filter(route => route.isForPages)),
      'access-control-allow-headers': 'authorization, content-type, content-encoding, if-none-match, range',
      'access-control-max-age': String(PREFLIGHT_SECONDS),
    },
  }
}

function allowed(routes: readonly Route[]): string {
  return [...routes.map(route => (route.method === 'GET' ? 'GET, HEAD' : route.method)), 'OPTIONS'].join(', ')
}

/** The answer with the common headers; for HEAD with the length of the body instead of it. */
function finish(response: HttpResponse, common: Readonly<Record<string, string>>, method: string): HttpResponse {
  const headers: Record<string, string> = { ...common, ...response.headers }
  const vary = response.headers?.vary
  if (vary !== undefined && common.vary !== undefined) headers.vary = `${common.vary}, ${vary}`
  const { status, body } = response
  if (method !== 'HEAD') return body === undefined ? { status, headers } : { status, headers, body }
  if (typeof body === 'string' || body instanceof Uint8Array)
    headers['content-length'] = String(Buffer.byteLength(body))
  else body?.destroy()
  return { status, headers }
}
