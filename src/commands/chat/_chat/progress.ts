/** What a chat has seen so far, for whoever waits for more. */
export class Progress {
  #received = 0
  #changed: (() => void) | undefined
  readonly #unseen = new Set<string>()

  /** New messages of the other side. */
  get received(): number {
    return this.#received
  }

  /** Own messages that have not come by as records. */
  get unseen(): number {
    return this.#unseen.size
  }

  /** Follows a message of this chat; gives its promise back. */
  follow<T>(id: string, sent: Promise<T>): Promise<T> {
    this.#unseen.add(id)
    sent.catch(() => {
      // Whoever sent it hears of the refusal; here it only means that no record will come.
      this.#unseen.delete(id)
      this.#changed?.()
    })
    return sent
  }

  /** A record came. Whether it is a message that was typed in this chat. */
  saw(own: boolean, id: string | undefined): boolean {
    const isTyped = own && id !== undefined && this.#unseen.delete(id)
    this.#changed?.()
    return isTyped
  }

  /** A new message of the other side came. */
  got(): void {
    this.#received++
    this.#changed?.()
  }

  /** Resolves at the next change. A later call takes over from an earlier one. */
  next(): Promise<'more'> {
    return new Promise(resolve => {
      this.#changed = () => resolve('more')
    })
  }
}
