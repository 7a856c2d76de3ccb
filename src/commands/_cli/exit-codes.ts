/** What kefu's exit codes mean. New ones may be added; scripts treat unknown ones as failure. */
export const EXIT_CODES = {
  0: 'done, or it was so already',
  1: 'failed for another reason (the code in the error says which)',
  2: 'wrong usage: unknown command, flag or argument, or missing input without a terminal',
  3: 'it worked, and the answer is no: not running',
  4: 'partly done: some items failed',
  10: 'the daemon is not reachable',
  11: 'locked, or running already',
  12: 'refused: permission, wrong key, rejected token',
  13: 'the named thing does not exist',
  14: 'conflict: it exists, was changed meanwhile, or is in the wrong state',
  15: 'the configuration is not valid',
  16: 'stored data is damaged',
  17: 'versions do not fit together',
  18: 'timed out',
  70: 'a bug in kefu',
  130: 'interrupted',
} as const satisfies Record<number, string>

/** An exit code of the table. */
export type ExitCode = keyof typeof EXIT_CODES

/** Codes that every command may end with. */
export const COMMON_EXIT_CODES = [0, 1, 2, 70] as const satisfies readonly ExitCode[]

/** Codes of commands that talk to the daemon, beside the common ones. */
export const DAEMON_EXIT_CODES = [10, 12, 17, 18] as const satisfies readonly ExitCode[]
