/** How far the other side is with what was written here last. */
const RANKS = { delivered: 1, read: 2 } as const

/**
 * When to say that what was written was delivered or read: for the last message, which stands for all before it, once, and not when the other side has
 * answered. As long as nothing is read, only the first delivery is told.
 */
export class MarkLine {
  #sentN = 0
  #told = 0

  /** A message was written here. */
  sent(n: number): void {
    if (n <= this.#sentN) return
    this.#sentN = n
    if (this.#told === RANKS.read) this.#told = 0
  }

  /** The other side has written: whatever was sent before, they have seen. */
  answered(): void {
    this.#told = RANKS.read
  }

  /** Whether a mark at `n` is worth a line. */
  isNews(kind: keyof typeof RANKS, n: number): boolean {
    if (this.#sentN === 0 || n < this.#sentN || RANKS[kind] <= this.#told) return false
    this.#told = RANKS[kind]
    return true
  }
}

/** The line: `✓ read by 小王` for a person, without the sign elsewhere. `who` must be safe for a terminal. */
export function wordsOfMark(kind: keyof typeof RANKS, who: string | undefined, isInteractive: boolean): string {
  const words = who === undefined ? kind : `${kind === 'read' ? 'read by' : 'delivered to'} ${who}`
  return isInteractive ? `  ✓ ${words}` : words
}
