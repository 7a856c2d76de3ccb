import { describe, test } from 'node:test'
import { forgeryCases } from './channel-forgery.cases.js'
import { inboundCases } from './channel-inbound.cases.js'
import type { ChannelKit, Register } from './channel-kit.js'
import { outboundCases } from './channel-outbound.cases.js'

/** The cases of channels by direction. */
export const CHANNEL_CASES = { inbound: inboundCases, forged: forgeryCases, outbound: outboundCases } as const

/** Every guarantee of `src/daemon/core/channel-adapter.ts` for one kind of channel. A case is skipped only where the kit says why the kind has no answer. */
export function channelSuite(kit: ChannelKit): void {
  describe(`channel: ${kit.driver.table.kind}`, { timeout: 120_000 }, () => {
    for (const [direction, cases] of Object.entries(CHANNEL_CASES))
      describe(direction, () => cases(kit, test as Register))
  })
}
