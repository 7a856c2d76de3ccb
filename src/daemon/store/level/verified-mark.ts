/**
 * How far the log need not be verified again at the next start. A damaged write-ahead log loses batches without a trace, a table file does not; so the
 * mark follows the log's end at a distance that the write-ahead logs cannot reach.
 */
export class VerifiedMark {
  readonly #stepBytes: number
  /** Candidates, oldest first: a seq, and the bytes written after it. */
  #candidates: { readonly seq: number; bytesAfter: number }[] = []
  #bytes = 0

  constructor(writeBufferBytes: number) {
    this.#stepBytes = writeBufferBytes
  }

  /** Starts over: everything up to this seq lies in table files. */
  reset(seq: number): void {
    this.#candidates = [{ seq, bytesAfter: 0 }]
    this.#bytes = 0
  }

  /** Notes a commit; the new mark, when it moves. */
  sealed(seq: number, bytes: number): number | undefined {
    this.#bytes += bytes
    if (this.#bytes < this.#stepBytes) return undefined
    for (const candidate of this.#candidates) candidate.bytesAfter += this.#bytes
    this.#bytes = 0
    this.#candidates.push({ seq, bytesAfter: 0 })
    // Two memory tables of this size may be in the write-ahead logs; one more is the margin.
    let mark: number | undefined
    while (this.#candidates.length > 1 && this.#candidates[1]!.bytesAfter >= 3 * this.#stepBytes) {
      this.#candidates.shift()
      mark = this.#candidates[0]!.seq
    }
    return mark
  }
}
