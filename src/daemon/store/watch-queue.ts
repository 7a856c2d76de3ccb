import type { DirectoryEvent } from '../core/ports.js'

/** Changes a watcher may be behind before it gets only the last change of each key. */
const BEHIND_LIMIT = 4_096

/** The changes that one watcher has not taken yet. */
export class WatchQueue {
  #events: DirectoryEvent[]
  #wake: (() => void) | undefined

  /** Starts with what there is. */
  constructor(events: DirectoryEvent[]) {
    this.#events = events
  }

  push(event: DirectoryEvent): void {
    this.#events.push(event)
    if (this.#events.length > BEHIND_LIMIT) this.#collapse()
    this.wake()
  }

  /** Lets the watcher look again. */
  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  /** Changes in order, until `isOver` says so; `wake` must be called when that changes. */
  async *take(isOver: () => boolean): AsyncGenerator<DirectoryEvent, void, undefined> {
    while (!isOver()) {
      const events = this.#events
      this.#events = []
      for (const event of events) {
        if (isOver()) return
        yield event
      }
      if (this.#events.length === 0 && !isOver()) await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  #collapse(): void {
    const last = new Map<string, DirectoryEvent>()
    for (const event of this.#events) {
      const key = event.type === 'put' ? event.entry.key : event.key
      last.delete(key)
      last.set(key, event)
    }
    this.#events = [...last.values()]
  }
}
