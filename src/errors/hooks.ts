import type { ErrorRow } from './row.js'

/** Outgoing webhooks, and bots that are called. */
export const HOOK_ERRORS = {
  KEFU_HOOK_NOT_FOUND: {
    message: 'there is no hook {name}{suggestion}',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'kefu hook list shows all hooks',
  },
  KEFU_HOOK_EXISTS: {
    message: 'there is a hook {name} already, with another address or other events',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'kefu hook set {name} changes it',
  },
  KEFU_HOOKS_USED: {
    message: 'there are {limit} hooks, as many as there can be',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'remove one that is not needed any more: kefu hook remove NAME',
  },
  KEFU_DEAD_LETTER_NOT_FOUND: {
    message: 'the hook {name} has no dead letter {seq}',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'kefu hook dead {name} shows those that it has',
  },
  KEFU_BOT_CALLED: {
    message: 'the bot {name} is called at its endpoint, and so does not connect',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'kefu agent set NAME --no-endpoint has it connect by itself',
    peerHint: 'answer what is asked at the endpoint, or have whoever runs the server take that away',
  },
  KEFU_BOT_CONNECTED: {
    message: 'the bot {name} has connections ({count}), and so is not called',
    exit: 14,
    http: 409,
    retryable: true,
    hint: 'end the program that connects with its token, then set the endpoint again',
  },
} as const satisfies Record<string, ErrorRow>
