/** What is known about one code. */
export type ErrorRow = {
  /** Sentence for a person; `{name}` is filled from the error's detail. */
  readonly message: string
  /** Exit code of the CLI. */
  readonly exit: number
  /** HTTP status, where the code can be the answer to a request. */
  readonly http: number
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
  /** The next step, or the command to run. */
  readonly hint: string
  /** The same for clients over the network, where the hint is for those who run the server. */
  readonly peerHint?: string
}
