import type { ErrorRow } from './row.js'

/** What any program of kefu can run into: the command line, and whatever has no better place. */
export const PROGRAM_ERRORS = {
  KEFU_USAGE: {
    message: '{reason}',
    exit: 2,
    http: 400,
    retryable: false,
    hint: 'kefu --help lists the commands, kefu COMMAND --help what one takes',
    peerHint: 'correct what the message names, and try again',
  },
  KEFU_INPUT_NEEDED: {
    message: 'nobody can be asked here: {question}',
    exit: 2,
    http: 400,
    retryable: false,
    hint: 'add {flags}',
  },
  KEFU_FILE_EXISTS: {
    message: 'the file {path} exists already',
    exit: 14,
    http: 409,
    retryable: false,
    hint: 'name a new file, or move this one away; it is not overwritten',
  },
  KEFU_TEMPORARY_UNUSABLE: {
    message: 'no folder can be made among the temporary ones in {path}: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'set TMPDIR to a folder on a disk with free space that you may write in',
  },
  KEFU_LOG_NOT_FOUND: {
    message: 'there is no log file {path}',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'kefu daemon start logs to it; kefu daemon run logs to its own terminal',
  },
  KEFU_LOG_UNREADABLE: {
    message: 'the log file {path} cannot be read: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'run it as the user who runs the daemon',
  },
  KEFU_TIMEOUT: {
    message: '{what} took longer than {timeoutMs} ms',
    exit: 18,
    http: 504,
    retryable: true,
    hint: 'try again, or allow more with --timeout',
    peerHint: 'try again',
  },
  KEFU_ABORTED: { message: 'interrupted', exit: 130, http: 499, retryable: true, hint: 'run it again' },
  KEFU_INTERNAL: {
    message: 'kefu failed in a way that it should not: {reason}',
    exit: 70,
    http: 500,
    retryable: false,
    hint: 'please report this with the log',
    peerHint: 'tell those who run the server, with the time at which it happened',
  },
} as const satisfies Record<string, ErrorRow>
