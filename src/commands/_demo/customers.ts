import { setTimeout as pause } from 'node:timers/promises'
import type { Content } from '../../client/index.js'
import type { Line } from './line.js'
import { between } from './random.js'
import type { Customer, Turn } from './script.js'

/** Customers who are not answered go on after this. */
const PATIENCE_MS = 60_000

/** What is to be answered to a customer now, and whether that ends the conversation. */
export type Answer = { readonly content: Content; readonly isLast: boolean }

/** A customer of the script at work: writes, waits to be answered, comes again. */
export class PlayedCustomer {
  readonly customer: Customer
  readonly #line: Line
  readonly #random: () => number
  #turn: Turn | undefined
  #answered: () => void = () => {}

  constructor(customer: Customer, line: Line, random: () => number) {
    this.customer = customer
    this.#line = line
    this.#random = random
    line.listen(() => this.#answered())
  }

  /** What an agent of the script says to this customer; undefined when nothing was asked. */
  get answer(): Answer | undefined {
    const turn = this.#turn
    return turn && { content: turn.answer, isLast: turn === this.customer.turns.at(-1) }
  }

  /** Plays until the signal. `met` is called once, when the first words are with the daemon. Throws what saying and `met` throw. */
  async play(met: () => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await pause(this.customer.arrivesMs, undefined, { signal })
      await this.#converse(met, signal)
      for (;;) {
        await pause(between(this.#random, this.customer.restsMs * 0.7, this.customer.restsMs), undefined, { signal })
        await this.#converse(undefined, signal)
      }
    } catch (error) {
      // Whatever was under way when the demo ended.
      if (!signal.aborted) throw error
    }
  }

  async #converse(met: (() => Promise<void>) | undefined, signal: AbortSignal): Promise<void> {
    for (const turn of this.customer.turns) {
      this.#turn = turn
      const late = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
      const answered = this.#nextAnswer(late)
      for (const [index, saying] of turn.says.entries()) {
        if (index > 0) await pause(between(this.#random, 300, 600), undefined, { signal })
        await this.#line.say(saying)
        if (turn === this.customer.turns[0] && index === 0) await met?.()
      }
      await answered
      await pause(between(this.#random, 1_200, 3_000), undefined, { signal })
    }
    this.#turn = undefined
  }

  #nextAnswer(late: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      this.#answered = resolve
      late.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}
