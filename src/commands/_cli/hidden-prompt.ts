import { StringDecoder } from 'node:string_decoder'
import { KefuError } from '../../errors.js'

/** A terminal that somebody types at. */
export type Keyboard = NodeJS.ReadableStream & { setRawMode(isRaw: boolean): unknown }

const LIMIT_LENGTH = 16 * 1024
const [CTRL_C, CTRL_D, CTRL_U, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\u0015', '\b', '\u007f']

/**
 * Asks for a line that is not shown, not even its length. Throws `KEFU_ABORTED` when it is interrupted or the terminal goes away, `KEFU_USAGE` for what was pasted
 * with more than one line: a part of it must not be taken for the whole.
 */
export async function readHidden(question: string, keyboard: Keyboard, screen: NodeJS.WritableStream): Promise<string> {
  screen.write(`${question} (input hidden): `)
  keyboard.setRawMode(true)
  try {
    return await typedLine(keyboard)
  } finally {
    keyboard.setRawMode(false)
    keyboard.pause()
    screen.write('\n')
  }
}

/** Asks for a line that is to be remembered, twice. Throws what `readHidden` throws, and `KEFU_USAGE` when the two are not the same. */
export async function readHiddenTwice(
  question: string,
  keyboard: Keyboard,
  screen: NodeJS.WritableStream,
): Promise<string> {
  const first = await readHidden(question, keyboard, screen)
  if ((await readHidden(`${question}, again`, keyboard, screen)) === first) return first
  throw new KefuError('KEFU_USAGE', { reason: 'the two are not the same: nothing was changed' })
}

function typedLine(keyboard: Keyboard): Promise<string> {
  const decoder = new StringDecoder('utf8')
  const line = new HiddenLine()
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      keyboard.off('data', onData)
      keyboard.off('end', onEnd)
      settle()
    }
    const onEnd = (): void => end(() => reject(new KefuError('KEFU_ABORTED')))
    const onData = (bytes: Buffer): void => {
      try {
        const typed = line.take(decoder.write(bytes))
        if (typed !== undefined) end(() => resolve(typed))
      } catch (error) {
        end(() => reject(error))
      }
    }
    keyboard.on('data', onData)
    keyboard.on('end', onEnd)
    keyboard.resume()
  })
}

/** What has been typed of a line. */
class HiddenLine {
  #typed: string[] = []

  /** Takes what comes from a terminal in raw mode; the line once it is ended. Throws when it is interrupted, too long, or goes on behind its end. */
  take(text: string): string | undefined {
    const keys = [...text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')]
    for (const [at, key] of keys.entries()) {
      if (key === '\n') return this.#ended(keys.slice(at + 1))
      this.#press(key)
    }
    return undefined
  }

  #press(key: string): void {
    if (key === CTRL_C || (key === CTRL_D && this.#typed.length === 0)) throw new KefuError('KEFU_ABORTED')
    if (key === CTRL_U) this.#typed = []
    else if (key === BACKSPACE || key === DELETE) this.#typed.pop()
    else if (key !== CTRL_D) this.#typed.push(key)
    if (this.#typed.length > LIMIT_LENGTH) throw new KefuError('KEFU_USAGE', { reason: 'what was typed is too long' })
  }

  #ended(rest: readonly string[]): string {
    if (rest.join('').trim() === '') return this.#typed.join('')
    const reason = 'more than one line was typed or pasted: give such a value with --stdin or --from-file'
    throw new KefuError('KEFU_USAGE', { reason })
  }
}
