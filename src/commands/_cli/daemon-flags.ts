import { integer, string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'

/** Settings that may be given when a daemon is started. They hold for that daemon only. */
export const DAEMON_FLAGS = {
  host: string({ helpValue: 'ADDRESS', summary: 'address to listen on (http.host)' }),
  port: integer({ min: 0, max: 65_535, helpValue: 'PORT', summary: 'port to listen on, 0 for a free one (http.port)' }),
  set: string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'KEY=VALUE',
    summary: 'any other setting, for this start only (may be given more than once)',
  }),
}

/** The flags as they were given. */
export type DaemonFlags = {
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly set?: readonly string[] | undefined
}

/** Settings by key. Throws `KEFU_USAGE` for a `--set` without a key and `=`. */
export function settingsOf({ host, port, set = [] }: DaemonFlags): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  for (const pair of set) {
    const at = pair.indexOf('=')
    if (at <= 0) throw new KefuError('KEFU_USAGE', { reason: `--set takes KEY=VALUE, not "${pair.slice(0, 80)}"` })
    settings.set(pair.slice(0, at), pair.slice(at + 1))
  }
  if (host !== undefined) settings.set('http.host', host)
  if (port !== undefined) settings.set('http.port', String(port))
  return settings
}

/** The same settings as arguments of another kefu process. */
export function settingArguments(settings: ReadonlyMap<string, string>): string[] {
  return [...settings].flatMap(([key, value]) => ['--set', `${key}=${value}`])
}
