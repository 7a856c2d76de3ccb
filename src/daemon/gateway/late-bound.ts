import { KefuError } from '../../errors.js'
import type { SessionEvents } from '../core/ports.js'

/** Events whose listener comes later: gateway and engine each speak to the other, so one has to exist first. Bind before the first socket. */
export function lateBoundEvents(): SessionEvents & { bind(events: SessionEvents): void } {
  let target: SessionEvents | undefined
  const bound = (): SessionEvents => {
    if (target === undefined) throw new KefuError('KEFU_INTERNAL', { reason: 'a socket came before the engine' })
    return target
  }
  return {
    bind(events) {
      target = events
    },
    opened: (session, info) => bound().opened(session, info),
    frame: (session, frame) => bound().frame(session, frame),
    drained: session => bound().drained(session),
    closed: session => bound().closed(session),
  }
}
