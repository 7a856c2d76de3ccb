import type { ErrorRow } from './row.js'

/** Platforms behind channels: what they send, and what becomes of calling them. */
export const CHANNEL_ERRORS = {
  KEFU_CALLBACK_REFUSED: {
    message: 'the callback is not signed by the platform: {reason}',
    exit: 12,
    http: 403,
    retryable: false,
    hint: 'compare the token, keys and ids on the platform with kefu credential list and kefu channel show; kefu channel test NAME checks them',
    peerHint: 'sign it with the secret of this channel',
  },
  KEFU_CALLBACK_INVALID: {
    message: 'the callback is not as the platform writes it: {reason}',
    exit: 1,
    http: 400,
    retryable: false,
    hint: 'see docs/channels for what the platform has to be told',
    peerHint: 'send what the documentation of the channel describes',
  },
  KEFU_CREDENTIAL_MISSING: {
    message: 'the credential {name} is not set',
    exit: 13,
    http: 503,
    retryable: true,
    hint: 'kefu credential set CHANNEL {name}',
    peerHint: 'try again later',
  },
  KEFU_LANE_CLOSED: {
    message: 'the channel takes nothing in at this moment: {reason}',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'kefu channel lane NAME shows why, and lets it go on',
    peerHint: 'try again later',
  },
  KEFU_PLATFORM_UNAVAILABLE: {
    message: 'the platform cannot be reached or does not answer: {reason}',
    exit: 1,
    http: 502,
    retryable: true,
    hint: 'check the network, and the base URL of the channel: kefu channel show NAME',
  },
  KEFU_PLATFORM_REFUSED: {
    message: 'the platform says no: {reason}',
    exit: 12,
    http: 502,
    retryable: false,
    hint: 'kefu channel test NAME says what to change',
    peerHint: 'it will not work by trying again',
  },
  KEFU_EMULATOR_UNREACHABLE: {
    message: 'no emulator answers at {url}: {reason}',
    exit: 10,
    http: 503,
    retryable: true,
    hint: 'kefu emulate {kind} --connect',
  },
  KEFU_EMULATOR_UNDELIVERED: {
    message: 'the callback address did not take it: {reason}',
    exit: 1,
    http: 502,
    retryable: true,
    hint: 'kefu daemon logs shows why; the page of the emulator shows each attempt',
  },
  KEFU_EMULATOR_PORT_TAKEN: {
    message: 'port {port} of this machine is taken by another program',
    exit: 11,
    http: 500,
    retryable: true,
    hint: 'kefu emulate KIND --port 0 takes a free one; if another emulator has it, stop that',
  },
} as const satisfies Record<string, ErrorRow>
