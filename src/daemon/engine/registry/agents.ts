import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { KefuError } from '../../../errors.js'
import { suggestion } from '../../../nearest.js'
import { entityName } from '../../core/entity-name.js'
import { AGENT_ROLES, type Agent, type AgentRole, CHANNEL_KIND_NAMES } from '../../core/model.js'
import { orderedId, type RandomBytes } from '../../core/ordered-id.js'
import type { Clock, DirectoryPort } from '../../core/ports.js'
import { issueAccessToken, TOKEN_LIMIT, TOKEN_PREFIX, TokenIndex } from './access-tokens.js'
import { type AgentChange, changedAgent } from './agent-settings.js'
import { Registry, type RegistryChange } from './registry.js'

/** What agents stand on. */
export type AgentPorts = {
  readonly directory: DirectoryPort
  readonly clock: Pick<Clock, 'now'>
  readonly random: RandomBytes
}

/** What adding did. The token is given for a new agent only, and never again. */
export type AgentAdded =
  | { readonly agent: Agent; readonly token: string; readonly changed: true }
  | { readonly agent: Agent; readonly changed: false }

/** The people who answer. Look-ups are synchronous and never wait; changes are durable when their promise resolves. */
export type AgentRegistry = {
  /** Makes an agent with a first token, or finds the one of this name. Throws `KEFU_USAGE` for a text that is no name. */
  add(name: string): Promise<AgentAdded>
  /** Changes settings. Throws `KEFU_AGENT_NOT_FOUND`, and `KEFU_USAGE` for what is out of bounds. */
  set(name: string, change: AgentChange): Promise<{ readonly agent: Agent; readonly changed: boolean }>
  /** Throws `KEFU_AGENT_NOT_FOUND` with the nearest name. */
  show(name: string): Agent
  /** All agents, by name. The same array until something changes. */
  list(): readonly Agent[]
  /** Removes an agent; every token of it ends. Its id is never given out again. Throws `KEFU_AGENT_NOT_FOUND`. */
  remove(name: string): Promise<Agent>
  /**
   * A new token, beside those that exist or instead of them (`replace`). Throws `KEFU_AGENT_NOT_FOUND`, `KEFU_TOKENS_USED` for the seventeenth.
   */
  issueToken(
    name: string,
    options?: { readonly replace?: boolean },
  ): Promise<{ readonly agent: Agent; readonly token: string }>
  /** Whose token it is; `undefined` for any other text. In constant time. */
  byToken(token: string): Agent | undefined
  byId(id: string): Agent | undefined
  byName(name: string): Agent | undefined
  /** Calls back after every durable change, in order; the callback must not throw. Returns the function that ends it. */
  onChange(callback: (change: RegistryChange<Agent>) => void): () => void
}

const PREFIX = 'agent/'

/** A stored token. */
export const tokenEntrySchema = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), createdAt: z.int() }).readonly()

const agentSchema: z.ZodType<Agent> = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(Object.keys(AGENT_ROLES) as [AgentRole, ...AgentRole[]]),
  tokens: z.array(tokenEntrySchema).readonly(),
  skills: z.record(z.string(), z.int().min(1).max(5)).readonly(),
  languages: z.array(z.string()).readonly(),
  capacity: z
    .object({ total: z.int().min(1), perKind: z.partialRecord(z.enum(CHANNEL_KIND_NAMES), z.int().min(0)).readonly() })
    .readonly()
    .exactOptional(),
  endpoint: z.string().exactOptional(),
  createdAt: z.int(),
})

/** The agents of a directory. Throws `KEFU_STORE_CORRUPT` for an entry that is none. */
export async function createAgents({ directory, clock, random }: AgentPorts): Promise<AgentRegistry> {
  const registry = await Registry.load(directory, PREFIX, agentSchema)
  const byToken = new TokenIndex<Agent>(TOKEN_PREFIX.agent)
  const byId = new Map<string, Agent>()
  for (const agent of registry.list()) {
    byToken.replace([], agent.tokens, agent)
    byId.set(agent.id, agent)
  }
  registry.onChange(change => {
    const before = change.type === 'added' ? undefined : change.before
    if (before !== undefined) byToken.replace(before.tokens, [], before)
    if (change.type === 'removed') byId.delete(change.before.id)
    else {
      byToken.replace([], change.value.tokens, change.value)
      byId.set(change.value.id, change.value)
    }
  })

  const show = (text: string): Agent => {
    const name = entityName(text)
    const agent = registry.get(name)
    if (agent !== undefined) return agent
    const names = registry.list().map(known => known.name)
    throw new KefuError('KEFU_AGENT_NOT_FOUND', { name, suggestion: suggestion(name, names) })
  }

  return {
    show,
    list: () => registry.list(),
    byToken: token => byToken.find(token),
    byId: id => byId.get(id),
    byName: name => registry.get(name.normalize('NFC')),
    onChange: callback => registry.onChange(callback),
    async add(text) {
      const name = entityName(text)
      return registry.exclusive(async () => {
        const present = registry.get(name)
        if (present !== undefined) return { agent: present, changed: false }
        const createdAt = clock.now()
        const { token, entry } = issueAccessToken(TOKEN_PREFIX.agent, random, createdAt)
        const id = orderedId('a', createdAt, random)
        const agent: Agent = { id, name, role: 'agent', tokens: [entry], skills: {}, languages: [], createdAt }
        await registry.create(agent)
        return { agent, token, changed: true }
      })
    },
    set: (name, change) =>
      registry.exclusive(async () => {
        const present = show(name)
        const agent = changedAgent(present, change)
        if (isDeepStrictEqual(present, agent)) return { agent: present, changed: false }
        await registry.update(agent)
        return { agent, changed: true }
      }),
    remove: name =>
      registry.exclusive(async () => {
        const agent = show(name)
        await registry.remove(agent.name)
        return agent
      }),
    issueToken: (name, { replace = false } = {}) =>
      registry.exclusive(async () => {
        const present = show(name)
        if (!replace && present.tokens.length >= TOKEN_LIMIT)
          throw new KefuError('KEFU_TOKENS_USED', { kind: 'agent', name: present.name, limit: TOKEN_LIMIT })
        const { token, entry } = issueAccessToken(TOKEN_PREFIX.agent, random, clock.now())
        const agent: Agent = { ...present, tokens: replace ? [entry] : [...present.tokens, entry] }
        await registry.update(agent)
        return { agent, token }
      }),
  }
}
