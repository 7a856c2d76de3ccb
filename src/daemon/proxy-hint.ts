import { BlockList, isIP } from 'node:net'
import type { Log } from './observe/log.js'

/** Notices a proxy on this machine or in a private network that `http.trustedProxies` does not list: its visitors share the limits of one address. */
export type ProxyHint = {
  /** A peer sent `X-Forwarded-For` and was not believed. The first one that may be a proxy is remembered, and logged. */
  seen(peer: string): void
  readonly warnings: readonly string[]
}

/** Anybody on the internet may send the header; from these addresses it is most likely a proxy that does. */
const NEAR: readonly (readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'])[] = [
  ['127.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
]

/** A hint that has seen nobody. */
export function createProxyHint(log: Pick<Log, 'warn'>): ProxyHint {
  const near = new BlockList()
  for (const network of NEAR) near.addSubnet(...network)
  let warnings: readonly string[] = []
  return {
    seen(peer) {
      if (warnings.length > 0 || isIP(peer) === 0 || !near.check(peer, isIP(peer) === 4 ? 'ipv4' : 'ipv6')) return
      const warning = `${peer} sends X-Forwarded-For, but is not among http.trustedProxies: if it is a proxy, all its visitors share the limits of one address`
      warnings = [warning]
      log.warn('daemon.warning', { warning })
    },
    get warnings() {
      return warnings
    },
  }
}
