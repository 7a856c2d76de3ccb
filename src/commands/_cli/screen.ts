/** A terminal that is drawn again and again, on its second screen: what was there before comes back. */
export type LiveScreen = {
  /** Lines that fit, and characters on each. */
  readonly rows: number
  readonly columns: number
  /** Aborted when the person wants to leave (`q`, Ctrl-C) or the given signal is. */
  readonly signal: AbortSignal
  /** Replaces everything that is shown; lines that do not fit are cut off. */
  draw(text: string): void
  /** Waits, no longer than the person wants to stay; ends early when the size changes. */
  pause(ms: number): Promise<void>
  /** Puts the terminal back as it was. Idempotent. */
  close(): void
}

/** Where the screen is. */
export type LiveScreenOptions = {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly signal: AbortSignal
}

const SECOND_SCREEN = { on: '\u001b[?1049h\u001b[?25l', off: '\u001b[?25h\u001b[?1049l' } as const
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'
const CTRL_C = '\u0003'

/** Takes over a terminal. `close` must be called. */
export function createScreen({ input, output, signal }: LiveScreenOptions): LiveScreen {
  const leave = new AbortController()
  let wake: (() => void) | undefined
  let isClosed = false
  const abort = (): void => leave.abort()
  const onKey = (bytes: Buffer): void => {
    const key = bytes.toString()
    if (key === 'q' || key === 'Q' || key === CTRL_C) abort()
  }
  const onResize = (): void => wake?.()
  const hasKeys = input.isTTY === true
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  output.on('resize', onResize)
  if (hasKeys) {
    input.setRawMode(true)
    input.on('data', onKey)
    input.resume()
  }
  output.write(SECOND_SCREEN.on)

  return {
    get rows() {
      return output.rows
    },
    get columns() {
      return output.columns
    },
    signal: leave.signal,
    draw(text) {
      const lines = text.trimEnd().split('\n').slice(0, output.rows)
      output.write(`${HOME}${lines.map(line => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`)
    },
    pause(ms) {
      return new Promise(resolve => {
        const done = (): void => {
          clearTimeout(timer)
          leave.signal.removeEventListener('abort', done)
          wake = undefined
          resolve()
        }
        const timer = setTimeout(done, ms)
        wake = done
        leave.signal.addEventListener('abort', done)
        if (leave.signal.aborted) done()
      })
    },
    close() {
      if (isClosed) return
      isClosed = true
      signal.removeEventListener('abort', abort)
      output.off('resize', onResize)
      if (hasKeys) {
        input.off('data', onKey)
        input.setRawMode(false)
        input.pause()
      }
      output.write(SECOND_SCREEN.off)
    },
  }
}
