/** A listener of an event. */
export type Listener<Payload> = (payload: Payload) => void

/** Typed events: `Events` maps names to payloads. */
export class Emitter<Events extends object> {
  // Arrays are replaced, never changed: a listener may add or remove listeners while it is called.
  readonly #listeners = new Map<keyof Events, readonly Listener<never>[]>()

  /** Adds a listener; the returned function removes it. The same function added twice is called twice. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener as Listener<never>])
    return () => this.off(name, listener)
  }

  /** Removes a listener that `on` added. */
  off<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void {
    const present = this.#listeners.get(name)
    const at = present?.indexOf(listener as Listener<never>) ?? -1
    if (present !== undefined && at >= 0) this.#listeners.set(name, present.toSpliced(at, 1))
  }

  /** Whether anybody listens. */
  has(name: keyof Events): boolean {
    return (this.#listeners.get(name)?.length ?? 0) > 0
  }

  /** Calls the listeners in the order they were added. What one throws is thrown again outside, so that it disturbs neither the others nor the caller. */
  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    const listeners = this.#listeners.get(name) as readonly Listener<Events[Name]>[] | undefined
    if (listeners === undefined) return
    for (const listener of listeners) {
      try {
        listener(payload)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
