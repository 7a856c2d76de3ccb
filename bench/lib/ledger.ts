/** Messages of one visitor that may be scheduled and not yet delivered. A power of two. */
export const LEDGER_SPAN = 1024

const FAULT_LIMIT = 20

/** Accounts of what every visitor sent, what came back, and when it should have been sent. Arrays of numbers: nothing is allocated per message. */
export class Ledger {
  readonly #scheduled: Uint32Array
  readonly #sent: Uint32Array
  readonly #acknowledged: Uint32Array
  readonly #delivered: Uint32Array
  /** Last number in the conversation that was acknowledged and delivered. */
  readonly #acknowledgedN: Uint32Array
  readonly #deliveredN: Uint32Array
  readonly #intendedAt: Float64Array
  readonly #faults: string[] = []
  #faultCount = 0
  totalScheduled = 0
  totalAcknowledged = 0
  totalDelivered = 0

  constructor(visitors: number) {
    this.#scheduled = new Uint32Array(visitors)
    this.#sent = new Uint32Array(visitors)
    this.#acknowledged = new Uint32Array(visitors)
    this.#delivered = new Uint32Array(visitors)
    this.#acknowledgedN = new Uint32Array(visitors)
    this.#deliveredN = new Uint32Array(visitors)
    this.#intendedAt = new Float64Array(visitors * LEDGER_SPAN)
  }

  /** The first violations found, in words, and how many there were. */
  get faults(): { readonly count: number; readonly first: readonly string[] } {
    return { count: this.#faultCount, first: this.#faults }
  }

  get isSettled(): boolean {
    return this.totalAcknowledged === this.totalScheduled && this.totalDelivered === this.totalScheduled
  }

  /** The conversation's last number before the visitor's first counted message. */
  begin(visitor: number, n: number): void {
    this.#acknowledgedN[visitor] = n
    this.#deliveredN[visitor] = n
  }

  /** Last number delivered. */
  deliveredN(visitor: number): number {
    return this.#deliveredN[visitor]!
  }

  /** Whether one more message can be accounted for. */
  hasRoom(visitor: number): boolean {
    return this.#scheduled[visitor]! - Math.min(this.#delivered[visitor]!, this.#acknowledged[visitor]!) < LEDGER_SPAN
  }

  /** A message is due at this instant. */
  schedule(visitor: number, at: number): void {
    const number = this.#scheduled[visitor]!++
    this.#intendedAt[visitor * LEDGER_SPAN + (number & (LEDGER_SPAN - 1))] = at
    this.totalScheduled++
  }

  /** Messages that may be sent now with at most `inFlight` unacknowledged. */
  sendable(visitor: number, inFlight: number): number {
    const sent = this.#sent[visitor]!
    return Math.min(this.#scheduled[visitor]! - sent, inFlight - (sent - this.#acknowledged[visitor]!))
  }

  /** The number (0, 1, 2 …) of the next message, which is sent now. */
  send(visitor: number): number {
    return this.#sent[visitor]!++
  }

  /** Message `number` was acknowledged as record `n`: the instant at which it was due, or -1 for a fault. */
  acknowledge(visitor: number, number: number, n: number): number {
    const expected = this.#acknowledged[visitor]!
    const expectedN = this.#acknowledgedN[visitor]! + 1
    if (number !== expected || n !== expectedN || number >= this.#sent[visitor]!) {
      this.fault(`visitor ${visitor}: acknowledged message ${number} as n ${n}, expected ${expected} as ${expectedN}`)
      return -1
    }
    this.#acknowledged[visitor] = expected + 1
    this.#acknowledgedN[visitor] = expectedN
    this.totalAcknowledged++
    return this.#intendedAt[visitor * LEDGER_SPAN + (number & (LEDGER_SPAN - 1))]!
  }

  /** Message `number` was delivered as record `n`: the instant at which it was due, or -1 for a fault. */
  deliver(visitor: number, number: number, n: number): number {
    const expected = this.#delivered[visitor]!
    const expectedN = this.#deliveredN[visitor]! + 1
    if (number !== expected || n !== expectedN || number >= this.#sent[visitor]!) {
      this.fault(`visitor ${visitor}: delivered message ${number} as n ${n}, expected ${expected} as ${expectedN}`)
      return -1
    }
    this.#delivered[visitor] = expected + 1
    this.#deliveredN[visitor] = expectedN
    this.totalDelivered++
    return this.#intendedAt[visitor * LEDGER_SPAN + (number & (LEDGER_SPAN - 1))]!
  }

  /** Notes a violation. */
  fault(message: string): void {
    if (++this.#faultCount <= FAULT_LIMIT) this.#faults.push(message)
  }
}
