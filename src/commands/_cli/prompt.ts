import { createInterface } from 'node:readline/promises'
import { KefuError } from '../../errors.js'

/** Whether and how to ask. */
export type PromptOptions = {
  /** `--yes`. */
  readonly isAgreed: boolean
  /** Not with `--no-input`, and not when nobody sits at a terminal. */
  readonly mayAsk: boolean
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/**
 * Asks before a change that is hard to undo; whether it is agreed to. Throws `KEFU_INPUT_NEEDED` naming the flag when nobody can be asked, and
 * `KEFU_ABORTED` when the input ends or is interrupted without an answer.
 */
export async function confirm(question: string, options: PromptOptions): Promise<boolean> {
  const { isAgreed, mayAsk, input, output } = options
  if (isAgreed) return true
  if (!mayAsk) throw new KefuError('KEFU_INPUT_NEEDED', { question, flags: '--yes' })
  const reader = createInterface({ input, output })
  const closed = new AbortController()
  reader.once('close', () => closed.abort())
  try {
    const answer = await reader.question(`${question} [y/N] `, { signal: closed.signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    throw closed.signal.aborted ? new KefuError('KEFU_ABORTED', {}, { cause: error }) : error
  } finally {
    reader.close()
  }
}
