import type { ErrorCode } from '../../errors.js'
import { json } from './response.js'
import type { Route } from './route.js'

/** Whether the daemon takes messages: a word for its state (`running`, `draining`), and the code of what stands in the way. */
export type Readiness =
  | { readonly isReady: true; readonly state: string }
  | { readonly isReady: false; readonly state: string; readonly code?: ErrorCode }

/** `GET /health/live`: the process answers. `GET /health/ready`: 200, or 503 with state and code. `GET /`: a line for people. */
export function healthRoutes(readiness: () => Readiness): readonly Route[] {
  return [
    { method: 'GET', path: '/', isForPages: false, handle: () => text('kefu is running\n') },
    { method: 'GET', path: '/health/live', isForPages: false, handle: () => json(200, { state: 'live' }) },
    {
      method: 'GET',
      path: '/health/ready',
      isForPages: false,
      handle: () => {
        const { isReady, ...body } = readiness()
        return json(isReady ? 200 : 503, body, isReady ? {} : { 'retry-after': '1' })
      },
    },
  ]
}

function text(body: string) {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}
