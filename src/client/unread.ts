import { WIRE_LIMITS, type WireRecord } from '../codec/wire.js'

/**
 * How many messages of the contact wait to be read in a conversation: what the server counted up to a number, and what has come behind it. Reading, an
 * agent's word and an end count up to their number. Never more than 100, which stands for all above. Pure.
 */
export class Unread {
  /** Records behind this number have been seen, up to `#known`. */
  readonly #start: number
  #known: number
  /** The server's count, and the number up to which it goes. */
  #base = 0
  #baseN = 0
  /** Everything up to here is read or answered. */
  #mark = 0
  /** Numbers of messages behind the mark that were seen, ascending; the last 100. */
  #seen: number[] = []

  /** Records are seen from the one behind `start`. */
  constructor(start: number) {
    this.#start = start
    this.#known = start
  }

  get count(): number {
    let count = this.#base
    for (let at = this.#seen.length - 1; at >= 0 && this.#seen[at]! > this.#baseN; at--) count++
    return Math.min(count, WIRE_LIMITS.unread)
  }

  /** The server has said of a conversation that it stands at `n`, and has not counted yet: until it has, what comes behind is counted. */
  began(n: number): void {
    if (this.#baseN === 0) this.#baseN = n
  }

  /** The server counted up to number `n`. An older count than the last one changes nothing. */
  told(count: number, n: number): void {
    if (n < this.#baseN) return
    this.#baseN = n
    // What was read here may not have reached the server when it counted.
    this.#base = Math.min(count, Math.max(0, n - this.#mark))
  }

  /** The next record of the conversation. */
  record(n: number, record: WireRecord): void {
    this.#known = n
    const role = record.type === 'message' ? record.by?.role : undefined
    if (role === 'agent' || record.type === 'closed') {
      // What the server has counted it has counted with this: it knows whose word ends it.
      if (n > this.#baseN) this.read(n)
      else this.#forget(n)
    } else if (role === 'contact' && n > this.#mark) {
      if (this.#seen.length >= WIRE_LIMITS.unread) this.#seen.shift()
      this.#seen.push(n)
    }
    if (n === this.#baseN) this.#recount()
  }

  /** Everything up to `n` has been read. */
  read(n: number): void {
    if (n <= this.#mark) return
    this.#mark = n
    this.#forget(n)
    this.#base = Math.min(this.#base, Math.max(0, this.#baseN - n))
    this.#recount()
  }

  #forget(upTo: number): void {
    const first = this.#seen.findIndex(n => n > upTo)
    this.#seen = first < 0 ? [] : this.#seen.slice(first)
  }

  /** Of a part that was read the rest is counted here, when all of it has been seen. */
  #recount(): void {
    if (this.#mark === 0 || this.#mark < this.#start || this.#known < this.#baseN) return
    const seen = this.#seen.filter(n => n <= this.#baseN).length
    this.#base = Math.min(this.#base, seen)
  }
}
