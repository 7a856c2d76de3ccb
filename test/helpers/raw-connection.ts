import { connect, type Socket } from 'node:net'

const DEADLINE_MS = 8_000

/** A TCP connection that keeps every byte it gets, for tests that speak a protocol wrongly on purpose. */
export type RawConnection = {
  readonly socket: Socket
  /** Everything received so far. */
  received(): Buffer
  /** Bytes received so far, without joining them. */
  receivedBytes(): number
  write(data: Uint8Array | string): void
  /** Resolves with `received()` when `isEnough` holds for it; rejects after a deadline or when the connection ends before. */
  until(isEnough: (received: Buffer) => boolean, timeoutMs?: number): Promise<Buffer>
  /** Resolves with the milliseconds it took until the connection ended, cleanly or not; rejects after a deadline. */
  closed(timeoutMs?: number): Promise<number>
  /** Whether the connection has ended. */
  readonly isClosed: boolean
  /** Stops reading, so that the kernel's buffers fill. */
  stall(): void
  resume(): void
  destroy(): void
}

/** With `allowHalfOpen` the end of the other side is not answered. */
export type ConnectOptions = { readonly allowHalfOpen?: boolean; readonly host?: string }

/** Connects to a port, of 127.0.0.1 unless told otherwise. */
export async function rawConnect(port: number, options: ConnectOptions = {}): Promise<RawConnection> {
  const socket = connect({ port, host: options.host ?? '127.0.0.1', allowHalfOpen: options.allowHalfOpen ?? false })
  socket.setNoDelay(true)
  let chunks: Buffer[] = []
  let bytes = 0
  let isClosed = false
  socket.on('data', chunk => {
    chunks.push(chunk)
    bytes += chunk.byteLength
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })

  function received(): Buffer {
    const all = Buffer.concat(chunks)
    chunks = [all]
    return all
  }

  function until(isEnough: (received: Buffer) => boolean, timeoutMs = DEADLINE_MS): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let checkedBytes = 0
      const timer = setTimeout(() => settle('nothing fitting came in time'), timeoutMs)
      const check = (): void => {
        checkedBytes = bytes
        if (isEnough(received())) settle(undefined)
        else if (isClosed) settle('the connection ended before')
      }
      // Looking at all of a large body for each packet would take most of the test's time.
      const onData = (): void => {
        if (bytes - checkedBytes > bytes / 8) check()
      }
      const pacer = setInterval(() => {
        if (bytes > checkedBytes) check()
      }, 20)
      const settle = (fault: string | undefined): void => {
        clearTimeout(timer)
        clearInterval(pacer)
        socket.off('data', onData)
        socket.off('close', check)
        if (fault === undefined) resolve(received())
        else reject(new Error(`${fault}; received ${bytes} bytes: ${received().subarray(0, 300).toString('latin1')}`))
      }
      socket.on('data', onData)
      socket.on('close', check)
      check()
    })
  }

  function closed(timeoutMs = DEADLINE_MS): Promise<number> {
    const start = performance.now()
    if (isClosed) return Promise.resolve(0)
    socket.resume()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`still open after ${timeoutMs} ms`)), timeoutMs)
      socket.once('close', () => {
        clearTimeout(timer)
        resolve(performance.now() - start)
      })
    })
  }

  return {
    socket,
    received,
    receivedBytes: () => bytes,
    write: data => {
      socket.write(data)
    },
    until,
    closed,
    get isClosed() {
      return isClosed
    },
    stall: () => {
      socket.pause()
    },
    resume: () => {
      socket.resume()
    },
    destroy: () => {
      socket.destroy()
    },
  }
}

/** Waits until `isTrue`; rejects with `what` after a deadline. */
export async function eventually(what: string, isTrue: () => boolean, timeoutMs = DEADLINE_MS): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
