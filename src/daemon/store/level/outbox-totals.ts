import type { OutboxRow, OutboxState, OutboxTotals } from '../../core/ports.js'

/** How many rows each lane has in each state, kept as they change. */
export class OutboxCounter {
  readonly #lanes = new Map<string, Record<OutboxState, number>>()

  /** A row came (+1) or went (-1). */
  count({ lane, state }: OutboxRow, change: 1 | -1): void {
    let totals = this.#lanes.get(lane)
    if (totals === undefined) {
      totals = { queued: 0, sending: 0, unknown: 0, parked: 0, dead: 0, retrying: 0 }
      this.#lanes.set(lane, totals)
    }
    totals[state] += change
    if (change === -1 && Object.values(totals).every(count => count === 0)) this.#lanes.delete(lane)
  }

  /** Starts over. */
  clear(): void {
    this.#lanes.clear()
  }

  /** Lanes with rows. */
  lanes(): readonly string[] {
    return [...this.#lanes.keys()]
  }

  /** How many rows of a lane are in these states. */
  sum(lane: string, states: readonly OutboxState[]): number {
    const totals = this.#lanes.get(lane)
    return totals === undefined ? 0 : states.reduce((sum, state) => sum + totals[state], 0)
  }

  /** A copy. */
  totals(): ReadonlyMap<string, OutboxTotals> {
    return new Map([...this.#lanes].map(([lane, totals]) => [lane, { ...totals }]))
  }
}
