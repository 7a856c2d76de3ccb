import type { EmulatorPorts, PlatformEmulator } from './core/platform-emulator.js'
import { createWebhookEmulator } from './webhook/emulator.js'
import type { CallbackMode } from './wechat/account.js'
import type { BodyFormat } from './wechat/callback.js'
import { createWechatMiniEmulator, createWechatMpEmulator } from './wechat/emulator.js'
import { createWecomKfEmulator } from './wecom-kf/emulator.js'

/** What an emulator can be told from the command line; each kind takes what it has. */
export type EmulateOptions = { readonly mode?: CallbackMode; readonly format?: BodyFormat }

type Make = (options: EmulateOptions, ports?: EmulatorPorts) => PlatformEmulator

/** Every emulator, by the kind of channel that it is for. */
export const EMULATORS = {
  webhook: (_, ports = {}) => createWebhookEmulator(ports),
  'wechat-mp': ({ mode }, ports = {}) => createWechatMpEmulator(accountOf(mode), ports),
  'wechat-mini': ({ mode, format }, ports = {}) =>
    createWechatMiniEmulator({ ...accountOf(mode), ...(format !== undefined && { format }) }, ports),
  'wecom-kf': (_, ports = {}) => createWecomKfEmulator({}, ports),
} as const satisfies Readonly<Record<string, Make>>

/** A kind of channel whose platform can be emulated. */
export type EmulatedKind = keyof typeof EMULATORS

function accountOf(mode: CallbackMode | undefined): { readonly account?: { readonly mode: CallbackMode } } {
  return mode === undefined ? {} : { account: { mode } }
}
