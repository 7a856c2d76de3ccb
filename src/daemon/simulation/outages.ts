import type { PresenceChange } from '../core/presence-log.js'

type Start = { readonly index: number; readonly at: number; aliveAt: number }

/**
 * A process that is killed records no stop. It was alive when it last recorded anything: a change of presence or a record of the log. From then until the next
 * start nobody was there.
 */
export class Outages {
  readonly #presence: readonly PresenceChange[]
  readonly #starts: readonly Start[]
  #next = 0

  /** In the order of their instants. */
  constructor(presence: readonly PresenceChange[]) {
    this.#presence = presence
    this.#starts = presence.flatMap((change, index) => {
      const before = presence[index - 1]
      const isStart = 'engine' in change && change.engine === 'started'
      if (!isStart || before === undefined || ('engine' in before && before.engine === 'stopped')) return []
      return [{ index, at: change.at, aliveAt: before.at }]
    })
  }

  /** There is a record of this instant; later ones follow. */
  record(at: number): void {
    let start = this.#starts[this.#next]
    while (start !== undefined && at >= start.at) start = this.#starts[++this.#next]
    if (start !== undefined && at > start.aliveAt) start.aliveAt = at
  }

  /** What was recorded, with the stops that are missing. */
  presence(): PresenceChange[] {
    const stops = new Map(this.#starts.map(({ index, aliveAt }) => [index, aliveAt]))
    return this.#presence.flatMap((change, index): PresenceChange[] => {
      const at = stops.get(index)
      return at === undefined ? [change] : [{ at, engine: 'stopped' }, change]
    })
  }
}
