import type { Clock } from './clock.js'

/** A file of the emulated platform. */
export type StoredMedia = {
  readonly id: string
  readonly bytes: Buffer
  readonly contentType: string
  readonly name: string
  readonly createdAt: number
}

/** How long files are kept. */
export type MediaOptions = {
  readonly lifetimeMs: number
  /** A new id: unlike every one before. */
  make(): string
}

const TOTAL_LIMIT_BYTES = 64 * 1024 * 1024
const COUNT_LIMIT = 1_000

/** Files that users and the channel put there; they expire. At most 1,000 and 64 MiB: the oldest go first. */
export class MediaStore {
  readonly #clock: Pick<Clock, 'now'>
  readonly #options: MediaOptions
  readonly #files = new Map<string, StoredMedia>()
  #totalBytes = 0

  constructor(clock: Pick<Clock, 'now'>, options: MediaOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** Keeps a file under a new id. */
  put(bytes: Buffer, contentType: string, name: string): StoredMedia {
    const file = { id: this.#options.make(), bytes, contentType, name, createdAt: this.#clock.now() }
    this.#files.set(file.id, file)
    this.#totalBytes += bytes.length
    for (const [id, { bytes: old }] of this.#files) {
      if (this.#totalBytes <= TOTAL_LIMIT_BYTES && this.#files.size <= COUNT_LIMIT) break
      this.#files.delete(id)
      this.#totalBytes -= old.length
    }
    return file
  }

  /** A file that has not expired. */
  get(id: string): StoredMedia | undefined {
    const file = this.#files.get(id)
    return file !== undefined && file.createdAt + this.#options.lifetimeMs > this.#clock.now() ? file : undefined
  }

  /** Files that are kept, expired ones with them. */
  get count(): number {
    return this.#files.size
  }
}
