import type { ErrorRow } from './row.js'

/** Conversations, what is done with them, their files, and what of them has to go out. */
export const CONVERSATION_ERRORS = {
  KEFU_CONVERSATION_NOT_FOUND: {
    message: 'there is no such conversation for you',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'check its id',
  },
  KEFU_PERSON_FULL: {
    message: 'one person has at most {limit} conversations',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'take one that is not needed any more out of it: kefu contact split REF',
    peerHint: 'take a conversation that is not needed any more out of it first',
  },
  KEFU_COMMAND_REFUSED: {
    message: '{command} is not for you to do here',
    exit: 12,
    http: 403,
    retryable: false,
    hint: 'ask who has the conversation, or a supervisor',
  },
  KEFU_CONVERSATION_STATE: {
    message: 'the conversation is {state}: {command} does not fit',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'look at it again; it may have changed a moment ago',
  },
  KEFU_AGENT_UNAVAILABLE: {
    message: '{name} cannot take it: {reason}',
    exit: 14,
    http: 409,
    retryable: true,
    hint: 'choose another agent or a team, or try again later',
  },
  KEFU_MEDIA_NOT_FOUND: {
    message: 'there is no such file for you',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'ask for a fresh link',
  },
  KEFU_MEDIA_UNAVAILABLE: {
    message: 'the file could not be stored or read: {reason}',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'try again in a moment',
  },
  KEFU_OUTBOX_NOT_FOUND: {
    message: 'message {n} of {conversation} is not in the outbox',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'kefu outbox list',
  },
  KEFU_OUTBOX_STATE: {
    message: 'message {n} of {conversation} is {state}: {command} does not fit',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'kefu outbox list shows where it stands now',
  },
  KEFU_OUTBOX_UNKNOWN: {
    message: 'nobody knows whether message {n} of {conversation} was sent: once more may be twice',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'ask the contact, then kefu outbox retry {conversation}:{n} --unknown, or kefu outbox drop {conversation}:{n}',
  },
} as const satisfies Record<string, ErrorRow>
