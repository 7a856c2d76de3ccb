import type { ChannelDriver } from '../core/channel-adapter.js'
import { WEBHOOK_DRIVER } from './webhook/adapter.js'

/** The adapters of all kinds. */
export const CHANNEL_DRIVERS: readonly ChannelDriver[] = [WEBHOOK_DRIVER]
