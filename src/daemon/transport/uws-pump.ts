import type { Readable } from 'node:stream'
import { chunkBytes, destroyQuietly, endedEarly, wrongLength } from './response.js'
import type { UwsResponse } from './uws-native.js'

/**
 * Largest piece written at once where the length of the body is not known. uWebSockets.js offers no look at what waits in that mode, but
 * the kernel calls a socket writable only when much more than this is free, so that what waits cannot grow.
 */
const PIECE_BYTES = 16 * 1024

/** Where a pump ends: exactly one of the two is called, once, unless the pump is stopped first. */
export type PumpEnd = {
  /** The response is complete; the native response must not be touched any more. */
  readonly done: () => void
  /** The source failed or did not keep to its length; the connection must be cut. */
  readonly failed: (error: unknown) => void
}

/**
 * Writes a response body no faster than the peer takes it.
 * 1. `start`, when status and headers are written. Known length: the kernel gets what it takes, nothing is buffered. Unknown: chunked.
 * 2. A full kernel pauses the source; `onWritable` goes on with the rest of the chunk, then with the source.
 * 3. `stop` when the peer is gone, else `end.done` or `end.failed`. The source is destroyed in every case.
 */
export class UwsPump {
  readonly #res: UwsResponse
  readonly #totalBytes: number | undefined
  readonly #source: Readable | undefined
  readonly #end: PumpEnd
  #rest: Uint8Array
  #isSourceEnded: boolean
  /** The last write was not taken whole. */
  #isBlocked = false
  #isOver = false

  constructor(res: UwsResponse, source: Readable | Uint8Array, totalBytes: number | undefined, end: PumpEnd) {
    this.#res = res
    this.#totalBytes = totalBytes
    this.#source = source instanceof Uint8Array ? undefined : source
    this.#rest = source instanceof Uint8Array ? source : new Uint8Array(0)
    this.#isSourceEnded = source instanceof Uint8Array
    this.#end = end
  }

  start(): void {
    this.#res.onWritable(() => this.#continue())
    const source = this.#source
    if (source === undefined) {
      this.#flush()
      return
    }
    if (source.errored !== null || source.destroyed) {
      this.#fail(source.errored ?? endedEarly())
      return
    }
    source.on('data', chunk => this.#take(chunk))
    source.on('end', () => this.#sourceEnded())
    source.on('error', error => this.#fail(error))
    source.on('close', () => {
      if (!this.#isSourceEnded) this.#fail(endedEarly())
    })
  }

  stop(): void {
    this.#isOver = true
    destroyQuietly(this.#source)
  }

  #take(chunk: unknown): void {
    if (this.#isOver) return
    try {
      this.#rest = chunkBytes(chunk)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#totalBytes !== undefined && this.#res.getWriteOffset() + this.#rest.byteLength > this.#totalBytes) {
      this.#fail(wrongLength())
      return
    }
    this.#flush()
    if (this.#isBlocked) this.#source?.pause()
  }

  #sourceEnded(): void {
    this.#isSourceEnded = true
    if (this.#isOver || this.#rest.byteLength > 0) return
    if (this.#totalBytes !== undefined) {
      this.#fail(wrongLength())
      return
    }
    this.#res.cork(() => this.#res.end())
    this.#finish()
  }

  #continue(): boolean {
    if (this.#isOver) return true
    this.#flush()
    if (!this.#isBlocked) this.#source?.resume()
    return !this.#isBlocked
  }

  /** Writes the rest of the chunk as far as it is taken. Without a rest it still pushes on what uWebSockets.js itself buffered. */
  #flush(): void {
    this.#isBlocked = false
    this.#res.cork(() => {
      if (this.#totalBytes === undefined) this.#writeChunked()
      else this.#writeKnown(this.#totalBytes)
    })
  }

  #writeKnown(totalBytes: number): void {
    if (this.#rest.byteLength === 0) return
    const before = this.#res.getWriteOffset()
    const [isTaken, isDone] = this.#res.tryEnd(this.#rest, totalBytes)
    if (isDone) {
      this.#rest = this.#rest.subarray(this.#rest.byteLength)
      this.#finish()
      return
    }
    const written = isTaken ? this.#rest.byteLength : this.#res.getWriteOffset() - before
    this.#rest = this.#rest.subarray(written)
    this.#isBlocked = !isTaken
  }

  #writeChunked(): void {
    while (this.#rest.byteLength > 0) {
      const piece = this.#rest.subarray(0, PIECE_BYTES)
      this.#rest = this.#rest.subarray(piece.byteLength)
      if (this.#res.write(piece)) continue
      this.#isBlocked = true
      return
    }
  }

  #finish(): void {
    if (this.#isOver) return
    this.stop()
    this.#end.done()
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.stop()
    this.#end.failed(error)
  }
}
