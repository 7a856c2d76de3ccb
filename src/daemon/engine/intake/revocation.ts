import { CLOSE } from '../../../codec/close-codes.js'
import { KefuError } from '../../../errors.js'
import type { Agent, TokenEntry } from '../../core/model.js'
import type { Outbound } from '../delivery/outbound.js'
import type { AgentRegistry } from '../registry/agents.js'
import type { ChannelRegistry } from '../registry/channels.js'
import type { RegistryChange } from '../registry/registry.js'
import type { Session } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'

/** What ending sessions stands on. */
export type RevocationPorts = {
  readonly sessions: Sessions
  readonly outbound: Outbound
  readonly agents: AgentRegistry
  readonly channels: ChannelRegistry
}

/**
 * Ends the sessions of an agent or channel that was removed or lost a token. Sessions do not remember which token they came with, so those of
 * another token of the same agent connect again. Returns the function that ends the watching.
 */
export function endRevokedSessions({ sessions, outbound, agents, channels }: RevocationPorts): () => void {
  const end = (session: Session): void =>
    outbound.reject(session, 0, new KefuError('KEFU_UNAUTHORISED'), CLOSE.unauthorised)

  const stopAgents = agents.onChange(change => {
    // One that is called from now on had not connected a moment ago: this one came in between, and learns why from its next hello.
    if (change.type === 'added' || !(isRevocation(change) || isCalled(change))) return
    for (const session of [...(sessions.agentsOf(change.before.id) ?? [])]) end(session)
  })
  const stopChannels = channels.onChange(change => {
    if (!isRevocation(change)) return
    const { number, kind } = change.before
    if (kind === 'app') {
      for (const session of [...(sessions.appsOf(number) ?? [])]) end(session)
      return
    }
    for (const session of [...sessions.all()])
      if (session.role === 'visitor' && session.channel.number === number) end(session)
  })
  return () => {
    stopAgents()
    stopChannels()
  }
}

function isCalled(change: RegistryChange<Agent>): boolean {
  return change.type === 'changed' && change.value.endpoint !== undefined
}

function isRevocation<T extends { readonly tokens: readonly TokenEntry[] }>(
  change: RegistryChange<T>,
): change is Exclude<RegistryChange<T>, { readonly type: 'added' }> {
  if (change.type === 'added') return false
  if (change.type === 'removed') return true
  const left = new Set(change.value.tokens.map(token => token.sha256))
  return change.before.tokens.some(token => !left.has(token.sha256))
}
