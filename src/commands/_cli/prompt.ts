import { createInterface } from 'node:readline/promises'
import { KefuError } from '../../errors.js'

/** Whether and how to ask. */
export type PromptOptions = {
  /** `--yes`. */
  readonly isAgreed: boolean
  /** `--no-input`, or nobody sits at a terminal. */
  readonly mayAsk: boolean
}

/**
 * Asks before a change that is hard to undo. Returns when it is agreed to. Throws `KEFU_USAGE` naming the flag when nobody can be asked, and
 * `KEFU_ABORTED` when the answer is not yes.
 */
export async function confirm(question: string, { isAgreed, mayAsk }: PromptOptions): Promise<void> {
  if (isAgreed) return
  if (!mayAsk) throw new KefuError('KEFU_USAGE', { reason: `${question} Nobody can be asked here; add --yes` })
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await reader.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new KefuError('KEFU_ABORTED')
  } finally {
    reader.close()
  }
}
