import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Blocks of IPv4 that belong to nobody on the public network, after IANA's registry of special addresses. */
const SPECIAL_V4 = blocks('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  // Multicast, reserved and broadcast.
  ['224.0.0.0', 3],
])

/**
 * What has been given out of IPv6. All the rest is not public: unspecified, loopback, mapped and translated IPv4 (`::ffff:…`, `64:ff9b::…`), unique local,
 * link-local and multicast addresses.
 */
const GLOBAL_V6 = blocks('ipv6', [['2000::', 3]])

/** Of that: protocol assignments with Teredo and ORCHID, documentation, and 6to4, which wraps an IPv4 address of any kind. */
const SPECIAL_V6 = blocks('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])

/** Whether a numeric address is one of the public network: not this machine, its neighbourhood, a group, or an IPv4 address in the clothes of IPv6. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !SPECIAL_V4.check(address, 'ipv4')
  return (
    isIPv6(address) && !address.includes('%') && GLOBAL_V6.check(address, 'ipv6') && !SPECIAL_V6.check(address, 'ipv6')
  )
}

function blocks(family: 'ipv4' | 'ipv6', subnets: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, family)
  return list
}
