import type { HttpRequest, HttpResponse } from '../transport/port.js'

/** A request that found its route. */
export type RouteRequest = {
  readonly http: HttpRequest
  /** The path's segments that the pattern names; raw text that nobody has validated. */
  readonly params: Readonly<Record<string, string>>
  /** The body of the answer will not be sent. */
  readonly isHead: boolean
  /** The page that asks; on routes for pages it is an allowed one. */
  readonly origin: string | undefined
}

/** One row of the table of routes. */
export type Route = {
  /** HEAD is answered by the route for GET. */
  readonly method: 'GET' | 'POST'
  /** Segments; one that starts with a colon takes any text without a slash: `/v1/media/:conversation/:media`. */
  readonly path: string
  /** Whether pages of the channels' origins may use it. Any other page is refused. */
  readonly isForPages: boolean
  /** Answers, or throws a KefuError, which is answered with its status. */
  readonly handle: (request: RouteRequest) => Promise<HttpResponse> | HttpResponse
}

/** The routes of one path, by method. */
export type PathMatch = { readonly routes: readonly Route[]; readonly params: Readonly<Record<string, string>> }

/** A function that finds the routes whose pattern a raw path fits; none is an empty list. Literal segments go before named ones. */
export function createMatcher(routes: readonly Route[]): (path: string) => PathMatch {
  const patterns = new Map<string, { readonly segments: readonly string[]; readonly routes: Route[] }>()
  for (const route of routes) {
    const pattern = patterns.get(route.path)
    if (pattern === undefined) patterns.set(route.path, { segments: route.path.split('/'), routes: [route] })
    else pattern.routes.push(route)
  }
  const table = [...patterns.values()].sort((a, b) => countNamed(a.segments) - countNamed(b.segments))
  return path => {
    const given = path.split('/', SEGMENTS_LIMIT)
    for (const { segments, routes } of table) {
      const params = fit(segments, given)
      if (params !== undefined) return { routes, params }
    }
    return NOTHING
  }
}

const SEGMENTS_LIMIT = 16
const NOTHING: PathMatch = { routes: [], params: {} }

function fit(segments: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (let at = 0; at < segments.length; at++) {
    const segment = segments[at]!
    const text = given[at]!
    if (segment.startsWith(':') && text !== '') params[segment.slice(1)] = text
    else if (segment !== text) return undefined
  }
  return params
}

function countNamed(segments: readonly string[]): number {
  return segments.filter(segment => segment.startsWith(':')).length
}
