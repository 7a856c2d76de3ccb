import type { ChannelView, ControlClient } from '../../daemon/control/client.js'
import type { ServedEmulator } from '../../emulator/core/server.js'
import type { EmulatedKind } from '../../emulator/emulators.js'
import { isKefuError, KefuError } from '../../errors.js'

type Settings = Readonly<Record<string, string | number | boolean>>

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
  kind: EmulatedKind,
  served: ServedEmulator,
  name: string,
): Promise<Connected> {
  const { emulator } = served
  const { account, core } = emulator
  const { channelSettings } = await import('../../emulator/core/server.js')
  const { result, callbackPath } = await settle(control, kind, name, channelSettings(served))
  for (const [credential, value] of Object.entries(account.credentials))
    await control.call('credential.set', { owner: `channel/${name}`, name: credential, value })
  const { address } = await control.call('daemon.status', {})
  if (address.http === null) throw new KefuError('KEFU_USAGE', { reason: 'the daemon does not listen yet: try again' })
  const callback = new URL(callbackPath, loopback(address.http)).href
  core.pusher.setTarget(callback)
  const problem = await emulator.verify?.()
  return { channel: name, callback, result, ...(problem !== undefined && { problem }) }
}

async function settle(
  control: ControlClient,
  kind: EmulatedKind,
  name: string,
  settings: Settings,
): Promise<{ readonly result: Connected['result']; readonly callbackPath: string }> {
  const found = await present(control, name)
  if (found !== undefined && found.kind !== kind) throw new KefuError('KEFU_CHANNEL_EXISTS', { name })
  const { platform, changed } =
    found === undefined
      ? await control.call('channel.add', { kind, name, origins: [], settings })
      : await control.call('channel.set', { name, settings })
  const result = !changed ? 'unchanged' : found === undefined ? 'added' : 'changed'
  // Every kind with an emulator has callbacks.
  return { result, callbackPath: platform?.callbackPath ?? `/v1/channels/${encodeURIComponent(name)}/callback` }
}

async function present(control: ControlClient, name: string): Promise<ChannelView | undefined> {
  try {
    return (await control.call('channel.show', { name })).channel
  } catch (error) {
    if (isKefuError(error, 'KEFU_CHANNEL_NOT_FOUND')) return undefined
    throw error
  }
}

/** The address of a daemon on this machine that listens on all interfaces. */
function loopback(address: string): URL {
  const url = new URL(address)
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1'
  if (url.hostname === '[::]') url.hostname = '[::1]'
  return url
}
