/** Orders of the queue: by turn, by how long they wait, by last activity, by channel. */
export const QUEUE_SORTS = ['turn', '-turn', 'since', '-since', 'activity', '-activity', 'channel', '-channel'] as const

/** Where open conversations stand. */
export const QUEUE_STATES = ['waiting', 'bot', 'active', 'snoozed'] as const
