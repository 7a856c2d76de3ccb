import { Heap } from '../core/heap.js'
import type { PresenceChange } from '../core/presence-log.js'
import type { Episode, Window } from './trace.js'

/** What happens on a timeline, in the order of instants. At the same instant: presence, then what was due, then what arrives. */
export type TimelineEvents<T> = {
  presence(change: PresenceChange): void
  due(item: T, at: number): void
  arrive(episode: Episode, at: number): void
  /** All of an instant has happened. */
  passed(at: number): void
}

type Item<T> = { readonly at: number; readonly what: T }

const PROGRESS_EVENTS = 4_096

/** A virtual clock over recorded arrivals and presence, and over what falls due meanwhile. */
export class Timeline<T> {
  readonly #window: Window
  readonly #episodes: Iterable<Episode>
  readonly #presence: readonly PresenceChange[]
  readonly #heap = new Heap<Item<T>>(({ at }) => at)

  /** Both in the order of their instants. */
  constructor(window: Window, episodes: Iterable<Episode>, presence: readonly PresenceChange[]) {
    this.#window = window
    this.#episodes = episodes
    this.#presence = presence
  }

  /** Has something fall due; what is before the present falls due at once. */
  at(at: number, what: T): void {
    this.#heap.push({ at, what })
  }

  /** Runs until the window's end. `onProgress` is told how many have arrived. */
  run(events: TimelineEvents<T>, onProgress: (arrived: number) => void): void {
    const { since, until } = this.#window
    const arrivals = this.#episodes[Symbol.iterator]()
    let episode: Episode | undefined = arrivals.next().value
    let arrived = 0
    let present = 0
    let count = 0
    let now = since
    for (;;) {
      const change = this.#presence[present]
      const due = this.#heap.peek()
      const first = Math.min(change?.at ?? Infinity, due?.at ?? Infinity, episode?.at ?? Infinity)
      if (first > now) {
        events.passed(now)
        // Something may have fallen due by that.
        if ((this.#heap.peek()?.at ?? Infinity) < first) continue
        if (first > until) return
        now = first
      }
      if (change !== undefined && change.at <= now) {
        present++
        events.presence(change)
      } else if (due !== undefined && due.at <= now) {
        this.#heap.pop()
        events.due(due.what, now)
      } else if (episode !== undefined) {
        arrived++
        events.arrive(episode, now)
        episode = arrivals.next().value
      }
      if (++count % PROGRESS_EVENTS === 0) onProgress(arrived)
    }
  }
}
