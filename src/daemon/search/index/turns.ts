/** How long work keeps the thread before others have their turn: with several searches at once, each of them comes before the next message does. */
const TURN_MS = 2

/** When work gives way to others of its thread, and when its time is up. */
export class Turns {
  readonly #endsAt: number
  #turnEndsAt: number

  constructor(budgetMs: number) {
    const now = performance.now()
    this.#endsAt = now + budgetMs
    this.#turnEndsAt = Math.min(now + TURN_MS, this.#endsAt)
  }

  /** Whether it is time to give way, or to end. */
  get isOver(): boolean {
    return performance.now() >= this.#turnEndsAt
  }

  /** Whether the time is up. */
  get isUp(): boolean {
    return performance.now() >= this.#endsAt
  }

  /** Lets others have their turn. */
  async next(): Promise<void> {
    await new Promise(setImmediate)
    this.#turnEndsAt = performance.now() + TURN_MS
  }
}
