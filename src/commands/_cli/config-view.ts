import type { Setting } from '../../daemon/config/load.js'
import { configRow } from '../../daemon/config/schema.js'
import type { ListColumn } from './output.js'

/** A setting as JSON: durations and sizes as they are written in the file. */
export type SettingView = {
  readonly key: string
  readonly value: string | number | boolean | readonly string[]
  readonly origin: { readonly kind: string; readonly where: string }
}

/** A setting for `--json`. */
export function viewSetting({ key, value, text, origin }: Setting): SettingView {
  const { type } = configRow(key)
  return { key, value: type === 'duration' || type === 'size' ? text : value, origin }
}

/** Columns of `kefu config list`. */
export const SETTING_COLUMNS: readonly ListColumn<Setting>[] = [
  { key: 'key', header: 'KEY', plain: setting => setting.key },
  { key: 'value', header: 'VALUE', plain: setting => setting.text, isFlexible: true },
  { key: 'origin', header: 'ORIGIN', plain: setting => setting.origin.where, isFlexible: true },
  { key: 'reload', header: 'RELOAD', plain: setting => configRow(setting.key).reload },
  { key: 'doc', header: 'MEANING', plain: setting => configRow(setting.key).doc, isFlexible: true },
]
