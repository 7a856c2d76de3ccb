import { CHANNEL_TABLES } from '../../daemon/channels/tables.js'
import type { ChannelView } from '../../daemon/control/client.js'

/** Kinds of channels that a command line may name. */
export const KINDS = ['web', 'app', ...Object.keys(CHANNEL_TABLES)] as readonly ChannelView['kind'][]
