import { KefuError } from '../../../errors.js'
import type { AdapterInput } from '../../core/channel-adapter.js'
import type { Credential } from '../../core/vault.js'
import { WECHAT_SETTINGS } from '../tables/wechat-rows.js'

/** How callbacks are encrypted: 明文, 兼容, 安全. */
export type CallbackMode = 'plain' | 'compat' | 'safe'

/** An account of 微信 as its settings describe it. */
export type WechatAccount = {
  readonly appId: string
  readonly originalId: string | undefined
  readonly mode: CallbackMode
  /** How far a callback's timestamp may be from ours. */
  readonly maxAgeMs: number
  /** Without a slash at the end. */
  readonly baseUrl: string
  /** Hosts, and those below them, that links to files may lead to. */
  readonly mediaHosts: readonly string[]
}

/** The account of a channel's settings; defaults for those that are absent. Throws `KEFU_USAGE` without an app-id or for a base-url that is none. */
export function accountOf({ settings }: AdapterInput): WechatAccount {
  const text = (name: keyof typeof WECHAT_SETTINGS, fallback = '') => String(settings[name] ?? fallback)
  const appId = text('app-id')
  if (appId === '') throw new KefuError('KEFU_USAGE', { reason: 'the setting app-id is not set' })
  const baseUrl = text('base-url', WECHAT_SETTINGS['base-url'].default)
  if (!URL.canParse(baseUrl)) throw new KefuError('KEFU_USAGE', { reason: 'base-url is not a URL' })
  const mode = text('mode', WECHAT_SETTINGS.mode.default)
  return {
    appId,
    originalId: text('original-id') || undefined,
    mode: mode === 'plain' || mode === 'compat' ? mode : 'safe',
    maxAgeMs: Number(settings['callback-age-seconds'] ?? WECHAT_SETTINGS['callback-age-seconds'].default) * 1000,
    baseUrl: baseUrl.replace(/\/+$/, ''),
    mediaHosts: text('media-hosts', WECHAT_SETTINGS['media-hosts'].default).split(','),
  }
}

/** A secret by name. Throws `KEFU_CREDENTIAL_MISSING`. */
export function credentialOf({ secrets }: Pick<AdapterInput, 'secrets'>, name: string): Credential {
  const credential = secrets.get(name)
  if (credential === undefined) throw new KefuError('KEFU_CREDENTIAL_MISSING', { name })
  return credential
}

/** A secret's values: the present one, and the one that it replaced while that counts. */
export function valuesOf({ value, previous }: Credential): readonly string[] {
  return previous === undefined ? [value] : [value, previous]
}
