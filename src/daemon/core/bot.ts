/** How a bot that is called does. What is counted is counted from the daemon's start on, or since its endpoint has changed. */
export type BotStatus = {
  /** Whether its endpoint works, as far as is known. */
  readonly isUp: boolean
  /** Questions by what came of them: it said or did something; it said nothing, which may be meant so; people got them, as there was no answer or a wrong one. */
  readonly answered: number
  readonly silent: number
  readonly failed: number
  readonly lastError?: { readonly at: number; readonly reason: string }
}
