/** What a channel can keep for a time. */
export const RETENTION_KINDS = {
  text: 'messages with anything that is no file',
  media: 'messages with a file',
  notes: 'notes for colleagues',
  events: 'what contacts did on the platform',
} as const satisfies Record<string, string>

/** One of `RETENTION_KINDS`. */
export type RetentionKind = keyof typeof RETENTION_KINDS

/** For how many days each kind is kept; what is not named, for ever. */
export type RetentionDays = Readonly<Partial<Record<RetentionKind, number>>>

/** Days that something is kept at most, if not for ever: a hundred years. */
export const RETENTION_DAYS_LIMIT = 36_500
