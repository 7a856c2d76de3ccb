import type { ChannelDriver } from '../core/channel-adapter.js'

/** The adapters of all kinds. */
export const CHANNEL_DRIVERS: readonly ChannelDriver[] = []
