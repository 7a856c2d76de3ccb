import { type MessagePort, parentPort } from 'node:worker_threads'
import type { PresenceChange } from '../core/presence-log.js'
import type { Scenario, ScenarioMeasures } from '../core/simulation.js'
import { Business } from './business.js'
import { Meter } from './meter.js'
import { measureRecord } from './record.js'
import type { Roster } from './roster.js'
import type { Episode, TraceBatch, Window, Wish } from './trace.js'
import { mediansOf } from './work.js'

/** What the simulating thread is told: parts of the trace, then to run. */
export type ToWorker =
  | { readonly type: 'trace'; readonly batch: TraceBatch }
  | {
      readonly type: 'run'
      readonly window: Window
      readonly presence: readonly PresenceChange[]
      readonly present: Roster
      readonly policy: Roster | undefined
    }

/** What it tells: that a part was taken in, how far it is, and what came of it. */
export type FromWorker =
  | { readonly type: 'taken' }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | { readonly type: 'result'; readonly scenarios: { readonly [S in Scenario]?: ScenarioMeasures } }

if (parentPort !== null) serve(parentPort)

function serve(port: MessagePort): void {
  const wishes: Wish[] = []
  const episodes: Episode[] = []
  const tell = (message: FromWorker): void => port.postMessage(message)
  port.on('message', (message: ToWorker) => {
    if (message.type === 'trace') {
      wishes.push(...message.batch.wishes)
      for (const episode of message.batch.episodes) episodes.push(episode)
      tell({ type: 'taken' })
      return
    }
    // They came in the order of their ends.
    episodes.sort((a, b) => a.at - b.at || (a.since ?? 0) - (b.since ?? 0))
    const { window, presence, present, policy } = message
    const parts = { window, wishes, episodes, presence, medians: mediansOf(episodes, wishes) }
    const rosters = policy === undefined ? [present] : [present, policy]
    const total = episodes.length * rosters.length
    const simulate = (roster: Roster, before: number): ScenarioMeasures => {
      const meter = new Meter(roster, window)
      new Business({ ...parts, roster, meter }).run(done => tell({ type: 'progress', done: before + done, total }))
      return meter.report()
    }
    const meter = new Meter(present, window)
    measureRecord({ ...parts, roster: present, meter })
    const recorded = meter.report()
    const [replay, other] = rosters.map((roster, index) => simulate(roster, index * episodes.length))
    tell({
      type: 'result',
      scenarios: { recorded, replay: replay!, ...(other === undefined ? {} : { policy: other }) },
    })
  })
}
