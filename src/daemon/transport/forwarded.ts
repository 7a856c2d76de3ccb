import { BlockList, isIP } from 'node:net'
import { plainAddress } from './address.js'

/** The address that a request came from, given its peer's and the value of its `X-Forwarded-For`. */
export type ClientAddress = (peer: string, forwardedFor: string | undefined) => string

/**
 * Believes `X-Forwarded-For` from the given proxies only (addresses and CIDR networks, valid): the client is the rightmost address that is none of them, as
 * everything to its left is what the client itself claims; the leftmost when all of them are. Anybody else's header, one without a value, and
 * one that holds no address where it has to be looked at, leave the peer's own address. `ignored` is told of peers whose header is not believed.
 */
export function createClientAddress(proxies: readonly string[], ignored?: (peer: string) => void): ClientAddress {
  const trusted = new BlockList()
  for (const proxy of proxies) trust(trusted, proxy)
  return (peer, forwardedFor) => {
    if (forwardedFor === undefined) return peer
    if (!isTrusted(trusted, peer)) {
      ignored?.(peer)
      return peer
    }
    let address = peer
    for (let end = forwardedFor.length; end >= 0; ) {
      const start = forwardedFor.lastIndexOf(',', end - 1) + 1
      address = plainAddress(forwardedFor.slice(start, end).trim())
      if (!isAddress(address)) return peer
      if (!isTrusted(trusted, address)) return address
      end = start - 1
    }
    return address
  }
}

function trust(list: BlockList, proxy: string): void {
  const [address = '', prefix] = proxy.split('/')
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
  if (prefix === undefined) list.addAddress(address, family)
  else list.addSubnet(address, Number(prefix), family)
}

function isTrusted(list: BlockList, address: string): boolean {
  return isAddress(address) && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}

/** A zone means something on the machine that wrote it only. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%')
}
