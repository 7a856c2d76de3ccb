import { randomBytes } from 'node:crypto'
import type { ApiAnswer, ApiRequest } from './api.js'
import { type Clock, systemClock } from './clock.js'
import { Faults } from './faults.js'
import { type MediaOptions, MediaStore } from './media-store.js'
import { type Delivery, Pusher, type PushPolicy } from './pusher.js'
import type { Said } from './said.js'
import { SendLog } from './send-log.js'
import { type TokenOptions, TokenService } from './token-service.js'

/** The account that an emulator plays: what a channel has to be given to talk to it. Its secrets are worth nothing elsewhere. */
export type EmulatedAccount = {
  /** Settings of the channel, by their names, without the address of the emulator. */
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** The setting with that address; `base-url` when nothing is said. */
  readonly addressSetting?: string
  /** Secrets of the channel, by their names. */
  readonly credentials: Readonly<Record<string, string>>
}

/** The parts that every emulator is made of, and that its inspection shows. */
export type EmulatorCore = {
  readonly clock: Clock
  /** Where it is served, without a slash at the end: for links to itself. Set by whoever serves it. */
  origin: string
  random(length: number): Uint8Array
  /** A number that grows with every call and from start to start: ids of messages, beyond what a double holds. */
  nextId(): bigint
  readonly faults: Faults
  readonly pusher: Pusher
  readonly sent: SendLog
  readonly media: MediaStore
  /** Token services by name, such as `stable` and `classic`. */
  readonly tokens: Readonly<Record<string, TokenService>>
}

/** A platform on this machine: what a channel's adapter talks to, and what pushes to its callback address. */
export type PlatformEmulator = {
  /** The kind of channel that it is for. */
  readonly kind: string
  readonly account: EmulatedAccount
  readonly core: EmulatorCore
  /** Answers a call of the platform's API; undefined for a path that the platform does not have. */
  handle(request: ApiRequest): ApiAnswer | undefined | Promise<ApiAnswer | undefined>
  /** An error in the platform's form: what the fault `error` answers. */
  failure(code: number, message?: string): ApiAnswer
  /**
   * A user says or does something: resolves with what became of pushing it; `failedOnce` is called when the first attempt has failed and another one follows.
   * Throws `KEFU_USAGE` for what this platform's users cannot do.
   */
  say(user: string, content: Said, failedOnce?: (delivery: Delivery) => void): Promise<Delivery>
  /** Checks the callback address as the platform does when it is entered; why it is not accepted. Absent where the platform does not check. */
  verify?(): Promise<string | undefined>
}

/** What an emulator gets from outside; tests stop the clock and choose what is random. */
export type EmulatorPorts = { readonly clock?: Clock; random?(length: number): Uint8Array }

/** What differs between platforms. */
export type CoreOptions = {
  readonly push: PushPolicy
  readonly media: Pick<MediaOptions, 'lifetimeMs'>
  readonly tokens: Readonly<Record<string, Omit<TokenOptions, 'make'>>>
}

/** The parts of an emulator. */
export function createEmulatorCore(
  { clock = systemClock, random = randomBytes }: EmulatorPorts,
  options: CoreOptions,
): EmulatorCore {
  const faults = new Faults()
  // Unlike those of every earlier run, which a daemon may still remember.
  let id = BigInt(clock.now()) * 10_000n
  const text = (bytes: number): string => Buffer.from(random(bytes)).toString('base64url')
  return {
    clock,
    origin: 'http://127.0.0.1',
    random,
    nextId: () => ++id,
    faults,
    pusher: new Pusher({ clock, faults }, options.push),
    sent: new SendLog(clock),
    media: new MediaStore(clock, { ...options.media, make: () => `${text(24)}${++id}` }),
    tokens: Object.fromEntries(
      Object.entries(options.tokens).map(([name, service]) => [
        name,
        new TokenService(clock, { ...service, make: () => `${text(48)}${++id}` }),
      ]),
    ),
  }
}
