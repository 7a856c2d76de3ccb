/** Where messages in the outbox stand: to be sent, to be sent again, being sent, perhaps sent, waiting for their contact to write, given up. */
export const OUTBOX_STANDINGS = ['due', 'retrying', 'sending', 'parked', 'unknown', 'dead'] as const

/** Messages that one request may name. */
export const OUTBOX_MESSAGES_LIMIT = 100
