import { KefuError } from '../../../errors.js'
import type { AdapterInput } from '../../core/channel-adapter.js'
import { WECOM_KF } from '../tables/wecom-kf.js'

/** A company, and perhaps one of its accounts, as the settings describe it. */
export type KfCompany = {
  readonly corpId: string
  /** The only account that counts; all without it. */
  readonly openKfId: string | undefined
  /** How far a callback's timestamp may be from ours. */
  readonly maxAgeMs: number
  /** Without a slash at the end. */
  readonly baseUrl: string
  readonly welcomeMs: number
}

/** The company of a channel's settings; defaults for those that are absent. Throws `KEFU_USAGE` without a corp-id or for a base-url that is none. */
export function companyOf({ settings }: Pick<AdapterInput, 'settings'>): KfCompany {
  const rows = WECOM_KF.settings
  const corpId = String(settings['corp-id'] ?? '')
  if (corpId === '') throw new KefuError('KEFU_USAGE', { reason: 'the setting corp-id is not set' })
  const baseUrl = String(settings['base-url'] ?? rows['base-url'].default)
  if (!URL.canParse(baseUrl)) throw new KefuError('KEFU_USAGE', { reason: 'base-url is not a URL' })
  return {
    corpId,
    openKfId: String(settings['open-kfid'] ?? '') || undefined,
    maxAgeMs: Number(settings['callback-age-seconds'] ?? rows['callback-age-seconds'].default) * 1_000,
    baseUrl: baseUrl.replace(/\/+$/, ''),
    welcomeMs:
      Number(settings['welcome-window-seconds'] ?? WECOM_KF.capabilities.grants.welcome.windowMs / 1_000) * 1_000,
  }
}
