/** The frames that offer agents canned replies. Types only. */

/** `canned` from an agent: asks for the replies that fit a conversation. */
export type CannedRequestBody = {
  readonly conversation: string
  /** Shortcuts that begin with it come first, then replies with it in their text. */
  readonly query?: string
  /** Where to go on: the `next` of the page before. */
  readonly from?: number
}

/** A reply, ready to be sent: its text is in the language that fits, and its placeholders are filled. */
export type CannedEntry = { readonly shortcut: string; readonly text: string; readonly language?: string }

/** `canned` from the server: as many as have room. With `next` there may be more. */
export type CannedBody = { readonly replies: readonly CannedEntry[]; readonly next?: number }
