import { describe } from 'node:test'
import { forgeryCases } from './channel-forgery.cases.js'
import { inboundCases } from './channel-inbound.cases.js'
import type { ChannelKit } from './channel-kit.js'
import { outboundCases } from './channel-outbound.cases.js'

/** Every guarantee of `src/daemon/core/channel-adapter.ts` for one kind of channel. A case is skipped only where the kit says why the kind has no answer. */
export function channelSuite(kit: ChannelKit): void {
  describe(`channel: ${kit.driver.table.kind}`, { timeout: 120_000 }, () => {
    inboundCases(kit)
    forgeryCases(kit)
    outboundCases(kit)
  })
}
