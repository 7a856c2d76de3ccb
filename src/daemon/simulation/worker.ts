import { type MessagePort, parentPort } from 'node:worker_threads'
import type { PresenceChange } from '../core/presence-log.js'
import type { Scenario, ScenarioMeasures } from '../core/simulation.js'
import { Business } from './business.js'
import { Meter } from './meter.js'
import { PackedEpisodes, type PackedTrace } from './packed-trace.js'
import { measureRecord } from './record.js'
import type { Roster } from './roster.js'
import type { Window } from './trace.js'
import { mediansOf } from './work.js'

/** What the simulating thread is told: parts of the trace, then to run. */
export type ToWorker =
  | { readonly type: 'trace'; readonly part: PackedTrace }
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
  const episodes = new PackedEpisodes()
  const tell = (message: FromWorker): void => port.postMessage(message)
  port.on('message', (message: ToWorker) => {
    if (message.type === 'trace') {
      episodes.add(message.part)
      tell({ type: 'taken' })
      return
    }
    const { wishes } = episodes
    const { window, presence, present, policy } = message
    const parts = { window, wishes, episodes, presence, medians: mediansOf(episodes, wishes) }
    const rosters = policy === undefined ? [present] : [present, policy]
    const total = episodes.length * rosters.length
    const simulate = (roster: Roster, before: number): ScenarioMeasures => {
      const meter = new Meter(roster, window)
      new Business({ ...parts, present, roster, meter }).run(done =>
        tell({ type: 'progress', done: before + done, total }),
      )
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
