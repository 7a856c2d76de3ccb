import { json } from './response.js'
import type { Route } from './route.js'

/** Whether the daemon can do its work, and a word for its state (`ready`, `starting`, `draining`, `full` …). */
export type Readiness = { readonly isReady: boolean; readonly state: string }

/** `GET /health/live`: the process answers. `GET /health/ready`: 200 or 503 with the state. `GET /`: a line for people. */
export function healthRoutes(readiness: () => Readiness): readonly Route[] {
  return [
    { method: 'GET', path: '/', isForPages: false, handle: () => text('kefu is running\n') },
    { method: 'GET', path: '/health/live', isForPages: false, handle: () => json(200, { state: 'live' }) },
    {
      method: 'GET',
      path: '/health/ready',
      isForPages: false,
      handle: () => {
        const { isReady, state } = readiness()
        return json(isReady ? 200 : 503, { state }, isReady ? {} : { 'retry-after': '1' })
      },
    },
  ]
}

function text(body: string) {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}
