import type { ErrorRow } from './row.js'

/** Sealed credentials and the key that seals them. No message has room for a value, nor for a name or owner that was not known: it may be a secret at the wrong place. */
export const VAULT_ERRORS = {
  KEFU_CREDENTIAL_INVALID: {
    message: 'the credential cannot be stored: {reason}',
    exit: 2,
    http: 400,
    retryable: false,
    hint: 'kefu credential set --help says what names and values are made of',
  },
  KEFU_CREDENTIAL_NOT_FOUND: {
    message: '{owner} has no credential of that name{suggestion}',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'kefu credential list shows which there are',
  },
  KEFU_CREDENTIAL_OWNER_NOT_FOUND: {
    message: 'there is no channel, hook or agent of that name to have credentials{suggestion}',
    exit: 13,
    http: 404,
    retryable: false,
    hint: 'name a channel (kefu channel list), hook/NAME (kefu hook list) or agent/NAME',
  },
  KEFU_CREDENTIAL_ROTATING: {
    message: 'another value of the credential {name} is being tested at this moment',
    exit: 14,
    http: 409,
    retryable: true,
    hint: 'try again when that test has ended',
  },
  KEFU_CREDENTIAL_REFUSED: {
    message: 'nothing has changed: the new value did not pass its test ({reason})',
    exit: 12,
    http: 502,
    retryable: false,
    hint: 'correct what the test names: {nextStep}',
  },
  KEFU_CREDENTIAL_UNREADABLE: {
    message: 'the credential {name} of {owner} cannot be read: {reason}',
    exit: 16,
    http: 500,
    retryable: false,
    hint: 'set it again, or remove it: kefu credential list shows which cannot be read',
  },
  KEFU_VAULT_KEY_UNSAFE: {
    message: 'the master key {path} cannot be used: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'make it readable for the user of the daemon alone (chmod 600), or restore it from its backup',
  },
  KEFU_VAULT_KEY_MISSING: {
    message: 'the master key is missing: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'put it back from its backup; if it is lost for good, docs/operations.md says how to begin with a new one',
  },
  KEFU_VAULT_KEY_WRONG: {
    message: 'the master key does not fit the credentials: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'put the right key back, or set vault.key to where they had it from; if it is lost for good, see docs/operations.md',
  },
  KEFU_VAULT_PASSPHRASE_NEEDED: {
    message: 'the credentials need a passphrase: {reason}',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'start it at a terminal, or name a file with it: kefu config set vault.passphraseFile FILE',
  },
  KEFU_VAULT_PASSPHRASE_WRONG: {
    message: 'this is not the passphrase of the credentials',
    exit: 12,
    http: 500,
    retryable: false,
    hint: 'give the passphrase that they were sealed under',
  },
} as const satisfies Record<string, ErrorRow>
