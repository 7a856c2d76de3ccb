import { KefuError } from '../../../errors.js'
import type { FetchedFile, MediaSource, PlatformHttp, PlatformResponse } from '../../core/channel-adapter.js'
import { hostOf } from '../foreign-link.js'

const TIMEOUT_MS = 60_000

/** Hosts of a comma-separated list, in lower case; undefined without one. */
export function hostsOf(list: string | undefined): ReadonlySet<string> | undefined {
  return list === undefined ? undefined : new Set(list.toLowerCase().split(','))
}

/**
 * Fetches a file by the link that an event had. With a list of hosts, only from these, wherever they are; without one, from public addresses only. Redirects are not
 * followed. Throws as `Adapter.fetchFile` does; no error repeats the link.
 */
export async function fetchLinkedFile(
  http: PlatformHttp,
  hosts: ReadonlySet<string> | undefined,
  source: MediaSource,
  limitBytes: number,
  abort: AbortSignal,
): Promise<FetchedFile> {
  const url = URL.canParse(source) ? new URL(source) : undefined
  if (url === undefined) throw refused('the link to the file is not a URL')
  const host = hostOf(url)
  if (hosts !== undefined && !hosts.has(host))
    throw refused(`the setting media-hosts does not name ${host.slice(0, 100)}`)
  const isForeign = hosts === undefined ? ({ isForeign: true } as const) : {}
  const request = { method: 'GET', url: url.href, timeoutMs: TIMEOUT_MS, limitBytes, ...isForeign } as const
  const response = await http.call(request, abort)
  if (response.status !== 200) throw failureOf(response)
  return { bytes: response.bytes, type: response.header('content-type') }
}

function failureOf({ status }: PlatformResponse): KefuError {
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return new KefuError('KEFU_PLATFORM_UNAVAILABLE', {
      reason: `the file's host answers ${status}`,
      written: 'perhaps',
    })
  return refused(`the file's host answers ${status}`)
}

function refused(reason: string): KefuError {
  return new KefuError('KEFU_PLATFORM_REFUSED', { reason })
}
