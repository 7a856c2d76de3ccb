import type { EmulatedKind } from '../../emulator/emulators.js'

/** The port of each emulator when none is given: the same at every start, so that channels keep their settings. */
export const EMULATOR_PORTS = {
  'wechat-mp': 7801,
  'wechat-mini': 7802,
  'wecom-kf': 7803,
  webhook: 7804,
} as const satisfies Readonly<Record<EmulatedKind, number>>

/** Kinds that `kefu emulate` takes. */
export const EMULATED_KINDS = Object.keys(EMULATOR_PORTS) as readonly EmulatedKind[]

/** The setting of a kind of channel with the address that it talks to. */
export function addressSetting(kind: string): string {
  return kind === 'webhook' ? 'endpoint' : 'base-url'
}

/** The channel that `kefu emulate --connect` makes for a kind. */
export function emulatedChannel(kind: EmulatedKind): string {
  return `emulated-${kind}`
}
