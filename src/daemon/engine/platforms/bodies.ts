import { KefuError } from '../../../errors.js'
import type { Callback } from '../../core/channel-adapter.js'

/** A request to a callback address, whose body is on its way. */
export type Arriving = {
  /** How long the body may get, as far as it was announced. */
  readonly limitBytes: number
  read(): Promise<Callback>
}

/** A callback that was read: `release` gives its place back, once. */
export type Arrived = { readonly callback: Callback; release(): void }

const COUNT_LIMIT = 4_000
const BYTES_LIMIT = 64 * 1024 * 1024

/**
 * Bodies of callbacks that nobody has verified yet, of all channels: so many, and so many bytes. When there is no room, the one that has been on its way for
 * longest gives way: a platform sends all at once, and who does not must not keep it out.
 */
export class Bodies {
  #count = 0
  #bytes = 0
  /** What ends the wait for each that is on its way, the longest one first. */
  readonly #reading = new Set<() => void>()

  /** Has a body read. Throws `KEFU_LANE_CLOSED` when it has no room or gives way, and what reading throws. */
  async read({ limitBytes, read }: Arriving): Promise<Arrived> {
    while (this.#count >= COUNT_LIMIT || this.#bytes + limitBytes > BYTES_LIMIT) this.#makeRoom()
    this.#count++
    this.#bytes += limitBytes
    let isHeld = true
    const release = (): void => {
      if (!isHeld) return
      isHeld = false
      this.#count--
      this.#bytes -= limitBytes
    }
    try {
      return { callback: await this.#wait(read, release), release }
    } catch (error) {
      release()
      throw error
    }
  }

  #wait(read: () => Promise<Callback>, release: () => void): Promise<Callback> {
    return new Promise((resolve, reject) => {
      const giveWay = (): void => {
        this.#reading.delete(giveWay)
        release()
        reject(crowded())
      }
      this.#reading.add(giveWay)
      read().then(
        callback => {
          this.#reading.delete(giveWay)
          resolve(callback)
        },
        error => {
          this.#reading.delete(giveWay)
          reject(error)
        },
      )
    })
  }

  #makeRoom(): void {
    const [slowest] = this.#reading
    if (slowest === undefined) throw crowded()
    slowest()
  }
}

function crowded(): KefuError {
  return new KefuError('KEFU_LANE_CLOSED', { reason: 'too many requests at once', retryAfterMs: 1_000 })
}
