import type { ControlClient, RequestOf } from '../../daemon/control/client.js'
import type { ServedEmulator } from '../../emulator/core/server.js'
import { isKefuError, KefuError } from '../../errors.js'

/** What connecting did. */
export type Connected = {
  readonly channel: string
  readonly callback: string
  readonly result: 'added' | 'changed' | 'unchanged'
  /** Why the daemon does not accept the emulator's check of the callback address. */
  readonly problem?: string
}

/**
 * Makes a channel of the running daemon talk to an emulator: adds it, or changes one of its name, seals the credentials, and points the pushes at it. Throws
 * `KEFU_CHANNEL_EXISTS` for a channel of that name and another kind, and what the operations throw.
 */
export async function connectEmulator(
  control: ControlClient,
  served: ServedEmulator,
  channel: string,
): Promise<Connected> {
  const { emulator } = served
  const { address } = await control.call('daemon.status', {})
  if (address.http === null) throw new KefuError('KEFU_USAGE', { reason: 'the daemon does not listen yet: try again' })
  const { kind, account } = emulator
  const { channelSettings } = await import('../../emulator/core/server.js')
  const settings = channelSettings(served)
  const result = await settle(control, kind, channel, settings)
  for (const [name, value] of Object.entries(account.credentials))
    await control.call('credential.set', { owner: `channel/${channel}`, name, value })
  const callback = new URL(`/v1/channels/${channel}/callback`, loopback(address.http)).href
  emulator.core.pusher.setTarget(callback)
  const problem = await emulator.verify?.()
  return { channel, callback, result, ...(problem !== undefined && { problem }) }
}

async function settle(
  control: ControlClient,
  kind: string,
  name: string,
  settings: Readonly<Record<string, string | number | boolean>>,
): Promise<Connected['result']> {
  try {
    const { channel } = await control.call('channel.show', { name })
    if (channel.kind !== kind) throw new KefuError('KEFU_CHANNEL_EXISTS', { name })
    const { changed } = await control.call('channel.set', { name, settings } as RequestOf<'channel.set'>)
    return changed ? 'changed' : 'unchanged'
  } catch (error) {
    if (!isKefuError(error, 'KEFU_CHANNEL_NOT_FOUND')) throw error
    await control.call('channel.add', { kind, name, settings } as unknown as RequestOf<'channel.add'>)
    return 'added'
  }
}

/** The address of a daemon on this machine that listens on all interfaces. */
function loopback(address: string): URL {
  const url = new URL(address)
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1'
  if (url.hostname === '[::]') url.hostname = '[::1]'
  return url
}
