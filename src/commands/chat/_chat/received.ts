/** Messages of the other side, counted. */
export class Received {
  #count = 0
  #changed: (() => void) | undefined

  get count(): number {
    return this.#count
  }

  /** One more has come. */
  add(): void {
    this.#count++
    this.#changed?.()
  }

  /** Resolves at the next one. A later call takes over from an earlier one. */
  next(): Promise<'more'> {
    return new Promise(resolve => {
      this.#changed = () => resolve('more')
    })
  }
}
