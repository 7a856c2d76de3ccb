/** How callbacks are written: 明文, 兼容, 安全. */
export const CALLBACK_MODES = ['plain', 'compat', 'safe'] as const

/** How callbacks are written. */
export type CallbackMode = (typeof CALLBACK_MODES)[number]

/** An account of 微信, with what its console shows. */
export type WechatAccount = {
  readonly appId: string
  readonly originalId: string
  readonly appSecret: string
  readonly token: string
  readonly encodingAesKey: string
  readonly mode: CallbackMode
}

/** An account made of chance, but for what is given. */
export function createWechatAccount(
  random: (length: number) => Uint8Array,
  given: Partial<WechatAccount> = {},
): WechatAccount {
  const hex = (bytes: number): string => Buffer.from(random(bytes)).toString('hex')
  return {
    appId: `wx${hex(8)}`,
    originalId: `gh_${hex(6)}`,
    appSecret: hex(16),
    token: hex(12),
    // 43 letters and digits; the bits of the last one beyond the 256th are noise, as on the platform.
    encodingAesKey: hex(22).slice(0, 43),
    mode: 'safe',
    ...given,
  }
}
