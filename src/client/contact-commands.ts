import type { Command } from '../codec/wire-commands.js'

/** What contacts can have done to their conversation. */

/** Ends it. */
export function closing(): Command {
  return { do: 'close' }
}

/** Rates it. */
export function rating(score: number, comment: string | undefined): Command {
  return comment === undefined ? { do: 'rate', score } : { do: 'rate', score, comment }
}
