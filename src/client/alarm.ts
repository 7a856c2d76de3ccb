import type { ClientClock } from './clock.js'

/** Platforms' timers take 32 bits, and fire at once for more. */
const TIMER_LIMIT_MS = 0x7fff_ffff

/**
 * All deadlines of a client on one timer: a fixed number of slots, each due at a monotonic instant or not at all. Moving a slot to a later time costs
 * no timer; the alarm wakes at the old time, finds nothing due and sleeps on.
 */
export class Alarm {
  readonly #clock: ClientClock
  readonly #ring: (slot: number) => void
  readonly #due: Float64Array
  #armedAt = Number.POSITIVE_INFINITY
  #disarm: (() => void) | undefined
  #isRinging = false

  /** `ring` is called once for each slot that has come due; the slot is empty by then. */
  constructor(clock: ClientClock, slots: number, ring: (slot: number) => void) {
    this.#clock = clock
    this.#ring = ring
    this.#due = new Float64Array(slots).fill(Number.POSITIVE_INFINITY)
  }

  /** Sets a slot to ring at `dueAt` (monotonic ms), whatever it was set to. */
  set(slot: number, dueAt: number): void {
    this.#due[slot] = dueAt
    if (!this.#isRinging && dueAt < this.#armedAt) this.#arm(dueAt)
  }

  /** Sets a slot to ring at `dueAt` unless it rings earlier anyway. */
  atMost(slot: number, dueAt: number): void {
    if (dueAt < this.#due[slot]!) this.set(slot, dueAt)
  }

  /** Empties a slot. */
  clear(slot: number): void {
    this.#due[slot] = Number.POSITIVE_INFINITY
  }

  /** Empties every slot and gives the timer back. */
  stop(): void {
    this.#due.fill(Number.POSITIVE_INFINITY)
    this.#disarm?.()
    this.#disarm = undefined
    this.#armedAt = Number.POSITIVE_INFINITY
  }

  #arm(dueAt: number): void {
    this.#disarm?.()
    this.#armedAt = dueAt
    const delayMs = Math.max(0, dueAt - this.#clock.monotonicMs())
    this.#disarm = this.#clock.after(Math.min(delayMs, TIMER_LIMIT_MS), this.#wake)
  }

  readonly #wake = (): void => {
    this.#disarm = undefined
    this.#armedAt = Number.POSITIVE_INFINITY
    const now = this.#clock.monotonicMs()
    this.#isRinging = true
    try {
      for (let slot = 0; slot < this.#due.length; slot++) {
        if (this.#due[slot]! > now) continue
        this.#due[slot] = Number.POSITIVE_INFINITY
        this.#ring(slot)
      }
    } finally {
      this.#isRinging = false
      let next = Number.POSITIVE_INFINITY
      for (const dueAt of this.#due) next = Math.min(next, dueAt)
      // Timers may fire a fraction of a millisecond early: waiting for at least one keeps that from becoming a loop.
      if (next !== Number.POSITIVE_INFINITY) this.#arm(Math.max(next, now + 1))
    }
  }
}
