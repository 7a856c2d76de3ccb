import type { Engine } from './engine/engine.js'
import type { Log } from './observe/log.js'
import type { StopRequest } from './stop-request.js'

/** After which time clients are told to connect again. */
const RECONNECT_AFTER_MS = 1_000

/** Waits for what is on its way, at most until the deadline or a second request to stop. */
export async function drain(engine: Engine, stop: StopRequest, deadlineMs: number, log: Log): Promise<void> {
  let cancel: (() => void) | undefined
  const deadline = new Promise<'deadline'>(resolve => {
    const timer = setTimeout(resolve, deadlineMs, 'deadline')
    cancel = () => clearTimeout(timer)
  })
  const end = await Promise.race([
    engine.drain(RECONNECT_AFTER_MS).then(() => 'drained' as const),
    deadline,
    stop.again,
  ])
  cancel?.()
  if (end !== 'drained') log.warn('daemon.drain-cut-short', { end, connections: engine.counts.open })
}
