import type { ContactEvent, Grant } from './channel-adapter.js'
import type { ReplyWindow } from './model.js'
import type { Permission } from './records.js'

/** Reply windows of platforms: what may be sent, for how long. Pure; every instant is epoch ms. */

/** Longest time by which a window is taken to end before the platform's own end: clocks differ, and a call takes its time. */
const MARGIN_MS = 60_000
const MARGIN_PART = 10

/** What an event permits to be sent: from when it happened or came, whichever was first. Undefined when it permits nothing. */
export function permissionOf(
  { grant, sentAtMs }: ContactEvent,
  grants: Readonly<Record<string, Grant>>,
  arrivedAtMs: number,
): Permission | undefined {
  const granted = grant === undefined || !Object.hasOwn(grants, grant) ? undefined : grants[grant]
  if (granted === undefined) return undefined
  const { messages, windowMs } = granted
  const margin = Math.min(MARGIN_MS, windowMs / MARGIN_PART)
  return { messages, until: Math.floor(Math.min(sentAtMs, arrivedAtMs) + windowMs - margin) }
}

/** Why nothing can be sent at an instant, when so many messages went within the window; undefined when one more can. */
export function windowClosed(window: ReplyWindow | undefined, sent: number, nowMs: number): string | undefined {
  if (window === undefined) return 'the platform permits messages only after the contact has written'
  if (nowMs >= window.until) return 'the time that the platform permits for answers is over'
  if (sent >= window.messages) return `the platform permits ${window.messages} messages until the contact writes again`
  return undefined
}
