import type { WebSocketConstructor, WebSocketLike } from '../../src/client/index.js'
import { decodeFrame, encodeFrame, type Frame } from '../../src/codec/frame.js'
import { parseClientFrame } from '../../src/codec/wire-schema.js'
import type { Peer, Rig } from '../unit/engine/rig.js'

/** A network of one client: connects it to an engine in this process, and fails as it is told. */
export type RigNetwork = {
  readonly webSocket: WebSocketConstructor
  /** While true, what the server sends is lost, and so is the end of a connection. */
  isDeaf: boolean
  /** While true, connections fail. */
  isDown: boolean
  /** Drops the connection. */
  cut(): void
}

/** A network without faults so far. */
export function createRigNetwork(rig: Rig): RigNetwork {
  let current: { drop(): void } | undefined
  const network: RigNetwork = {
    webSocket: undefined as never,
    isDeaf: false,
    isDown: false,
    cut: () => current?.drop(),
  }
  const webSocket = class implements WebSocketLike {
    binaryType = ''
    onopen: ((event: never) => void) | null = null
    onmessage: ((event: never) => void) | null = null
    onclose: ((event: never) => void) | null = null
    onerror: ((event: never) => void) | null = null
    readonly #peer: Peer | undefined
    #isClosed = false

    constructor() {
      current = this
      if (network.isDown) {
        queueMicrotask(() => this.drop())
        return
      }
      this.#peer = rig.open()
      this.#peer.frames.push = (...frames: Frame[]) => {
        for (const frame of frames) this.#receive(frame)
        return 0
      }
      queueMicrotask(() => this.onopen?.(undefined as never))
    }

    send(data: Uint8Array<ArrayBuffer> | string): void {
      if (this.#peer !== undefined) rig.engine.frame(this.#peer.id, parseClientFrame(decodeFrame(data as Uint8Array)))
    }

    close(): void {
      this.drop()
    }

    drop(): void {
      if (this.#isClosed) return
      this.#isClosed = true
      if (this.#peer !== undefined) rig.disconnect(this.#peer)
      this.onclose?.({ code: 1006, reason: '' } as never)
    }

    #receive({ channel, kind, correlation, body }: Frame): void {
      if (network.isDeaf) return
      const { buffer } = Uint8Array.from(encodeFrame(channel, kind, correlation, body))
      queueMicrotask(() => {
        if (!this.#isClosed) this.onmessage?.({ data: buffer } as never)
      })
    }
  }
  return Object.assign(network, { webSocket })
}
