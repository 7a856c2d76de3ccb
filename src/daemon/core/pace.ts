/** How fast a line moves: the instants (monotonic ms) at which the last conversations left it for an agent. */
export class Pace {
  readonly #left: number[] = []

  /** A conversation got its agent. */
  note(atMs: number): void {
    this.#left.push(atMs)
    if (this.#left.length > REMEMBERED) this.#left.shift()
  }

  /** How long the one behind `ahead` others may wait: as the last ones left, one after the other. Undefined while too little is known. */
  estimateMs(ahead: number, nowMs: number): number | undefined {
    const recent = this.#left.filter(atMs => nowMs - atMs < WINDOW_MS)
    if (recent.length < LEAST) return undefined
    // The time since the last one counts, too: a line that has come to a stop does not promise anything.
    const intervalMs = (nowMs - recent[0]!) / recent.length
    return Math.round((ahead + 1) * intervalMs)
  }
}

const REMEMBERED = 32
const LEAST = 3
const WINDOW_MS = 30 * 60_000
