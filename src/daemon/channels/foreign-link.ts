import type { LookupAddress, LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { KefuError } from '../../errors.js'
import { isPublicAddress } from './public-address.js'

/** Below it, services other than the web's own listen. */
const FIRST_FREE_PORT = 1024

class NotPublicError extends Error {
  override readonly name = 'NotPublicError'
}

/** Whether a connection failed as `publicLookup` fails. */
export function isNotPublic(error: Error): boolean {
  return error instanceof NotPublicError
}

/**
 * Refuses a link from outside before anything is looked up: only the web's own schemes and ports (or 1024 and above), no user info, no numeric address that is
 * not public. Throws `KEFU_PLATFORM_REFUSED`, which does not repeat the link.
 */
export function assertForeignLink(url: URL): void {
  const refusal = refusalOf(url)
  if (refusal !== undefined) throw new KefuError('KEFU_PLATFORM_REFUSED', { reason: `a link ${refusal}` })
}

/** The host of a URL as addresses and names are written elsewhere: without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
}

/**
 * Looks names up and hands on only public addresses: connections are made to exactly what was checked, so that a name which changes its mind in between (DNS
 * rebinding) gains nothing. A name without any fails: `isNotPublic`.
 */
export function publicLookup(lookup: LookupFunction): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '')
      const addresses = asList(found).filter(({ address }) => isPublicAddress(address))
      const [first] = addresses
      if (first === undefined) callback(new NotPublicError(), '')
      else if (wantsAll(options)) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

function refusalOf(url: URL): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'has to begin with http: or https:'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  if (url.port !== '' && Number(url.port) < FIRST_FREE_PORT) return `leads to port ${url.port}, which is not the web's`
  const host = hostOf(url)
  return isIP(host) !== 0 && !isPublicAddress(host) ? 'leads to an address that is not public' : undefined
}

function asList(found: string | LookupAddress[]): readonly LookupAddress[] {
  return typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found
}

function wantsAll(options: LookupOptions): boolean {
  return options.all === true
}
