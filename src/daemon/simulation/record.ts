import type { PresenceChange } from '../core/presence-log.js'
import { Attendance } from './attendance.js'
import type { Meter } from './meter.js'
import type { Roster } from './roster.js'
import { Timeline } from './timeline.js'
import type { Episode, Window, Wish } from './trace.js'
import { homeOf } from './work.js'

/** What was recorded, to be measured. */
export type RecordParts = {
  readonly roster: Roster
  readonly window: Window
  readonly wishes: readonly Wish[]
  readonly episodes: Iterable<Episode>
  readonly presence: readonly PresenceChange[]
  readonly meter: Meter
}

type Due = { readonly agent: string; readonly change: 1 | -1 }

/** Measures what was recorded, as a simulation is measured. */
export function measureRecord(parts: RecordParts): void {
  const { roster, window, wishes, episodes, presence, meter } = parts
  const timeline = new Timeline<Due>(
    window,
    episodes,
    presence.filter(({ at }) => at > window.since),
  )
  const attendance = new Attendance(roster, {
    changed: (agent, state, at) => meter.presence(agent, state, at),
    expect: () => undefined,
  })
  for (const change of presence) if (change.at <= window.since) attendance.take(change, window.since)

  const arrive = (episode: Episode, start: number): void => {
    const { legs, since, answerMs } = episode
    const home = homeOf(episode, wishes)
    let at = start
    if (since !== undefined) meter.arrived(home)
    for (const [index, leg] of legs.entries()) {
      const isFirst = index === 0
      const askedAt = isFirst ? (since ?? at) : at + leg.gapMs
      const servedAt = at + leg.gapMs + leg.waitMs
      for (let times = 0; times < leg.overflows; times++) meter.overflowed(home)
      if (leg.agent !== undefined) {
        const isHeld = isFirst && since === undefined
        const waitMs = servedAt - askedAt
        if (isFirst && !isHeld) meter.served(home, waitMs, answerMs)
        else if (!isHeld && legs[index - 1]?.end !== 'given') meter.servedAgain(home, waitMs)
        if (isHeld) meter.load(leg.agent, 1, at, false)
        else timeline.at(servedAt, { agent: leg.agent, change: 1 })
        if (leg.end !== 'open') timeline.at(servedAt + leg.serviceMs, { agent: leg.agent, change: -1 })
      } else if (isFirst && leg.end === 'closed') meter.abandoned(home)
      else if (isFirst && leg.end === 'open') meter.waiting(home)
      at = servedAt + leg.serviceMs
    }
  }

  timeline.run(
    {
      presence: change => attendance.take(change, change.at),
      due: ({ agent, change }, at) => meter.load(agent, change, at, change > 0),
      arrive,
      passed: () => undefined,
    },
    () => undefined,
  )
}
