import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { KefuError } from '../../../errors.js'
import { suggestion } from '../../../nearest.js'
import { parseCursor } from '../../core/cursor.js'
import { endpointUrl } from '../../core/endpoint.js'
import { entityName } from '../../core/entity-name.js'
import { HOOK_EVENTS, HOOK_LIMITS, HOOK_STOPS, type Hook, type HookStop, type RecordType } from '../../core/hook.js'
import { orderedId, type RandomBytes } from '../../core/ordered-id.js'
import type { Clock, DirectoryPort, LogPort } from '../../core/ports.js'
import { Registry, type RegistryChange } from './registry.js'

/** What hooks stand on. */
export type HookRegistryPorts = {
  readonly directory: DirectoryPort
  readonly log: Pick<LogPort, 'cursor'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: RandomBytes
}

/** What is to be changed of a hook; what is not named stays. Null: all types, all channels, no stop. */
export type HookChange = {
  readonly url?: string
  readonly events?: readonly RecordType[] | null
  /** By their numbers. */
  readonly channels?: readonly number[] | null
  readonly stopped?: HookStop | null
}

/** A hook, and whether anything was changed. */
export type HookChanged = { readonly hook: Hook; readonly changed: boolean }

/** The outgoing webhooks, all in memory. Changes are durable when their promise resolves. */
export type HookRegistry = {
  /**
   * Makes one that begins behind the last record of the log, or finds the same one; `prepare` runs before a new one is there. Throws `KEFU_HOOK_EXISTS`,
   * `KEFU_HOOKS_USED`, and `KEFU_USAGE` for what is out of bounds.
   */
  add(
    name: string,
    change: HookChange & { readonly url: string },
    prepare: (hook: Hook) => Promise<void>,
  ): Promise<HookChanged>
  /** Throws `KEFU_HOOK_NOT_FOUND`, and `KEFU_USAGE` for what is out of bounds. */
  set(name: string, change: HookChange): Promise<HookChanged>
  /** Throws `KEFU_HOOK_NOT_FOUND` with the nearest name. */
  show(name: string): Hook
  /** All, by name. The same array until something changes. */
  list(): readonly Hook[]
  byName(name: string): Hook | undefined
  byId(id: string): Hook | undefined
  /** Throws `KEFU_HOOK_NOT_FOUND`. */
  remove(name: string): Promise<Hook>
  /** Calls back after every durable change; the callback must not throw. Returns the function that ends it. */
  onChange(callback: (change: RegistryChange<Hook>) => void): () => void
}

const PREFIX = 'hook/'
const STOPS = Object.keys(HOOK_STOPS) as [HookStop, ...HookStop[]]

const hookSchema: z.ZodType<Hook> = z.object({
  id: z.string(),
  name: z.string(),
  url: z.string(),
  events: z.array(z.enum(HOOK_EVENTS)).readonly().exactOptional(),
  channels: z.array(z.int()).readonly().exactOptional(),
  stopped: z
    .object({ at: z.int(), why: z.enum(STOPS) })
    .readonly()
    .exactOptional(),
  begin: z.int(),
  createdAt: z.int(),
})

/** The hooks of a directory. Throws `KEFU_STORE_CORRUPT` for an entry that is none. */
export async function createHooks({ directory, log, clock, random }: HookRegistryPorts): Promise<HookRegistry> {
  const registry = await Registry.load(directory, PREFIX, hookSchema)

  const show = (text: string): Hook => {
    const name = entityName(text)
    const hook = registry.get(name)
    if (hook !== undefined) return hook
    const names = registry.list().map(known => known.name)
    throw new KefuError('KEFU_HOOK_NOT_FOUND', { name, suggestion: suggestion(name, names) })
  }

  return {
    show,
    list: () => registry.list(),
    byName: name => registry.get(name.normalize('NFC')),
    byId: id => registry.list().find(hook => hook.id === id),
    onChange: callback => registry.onChange(callback),
    async add(text, change, prepare) {
      const name = entityName(text)
      return registry.exclusive(async () => {
        const present = registry.get(name)
        const createdAt = clock.now()
        const { id, begin } = present ?? {
          id: orderedId('hk', createdAt, random),
          begin: parseCursor(log.cursor()),
        }
        const bare: Hook = { id, name, url: '', begin, createdAt: present?.createdAt ?? createdAt }
        const hook = changed(bare, change, createdAt)
        if (present !== undefined) {
          const { stopped: _, ...rest } = present
          if (!isDeepStrictEqual(rest, hook)) throw new KefuError('KEFU_HOOK_EXISTS', { name })
          return { hook: present, changed: false }
        }
        const limit = HOOK_LIMITS.hooks
        if (registry.list().length >= limit) throw new KefuError('KEFU_HOOKS_USED', { limit })
        await prepare(hook)
        await registry.create(hook)
        return { hook, changed: true }
      })
    },
    set: (name, change) =>
      registry.exclusive(async () => {
        const present = show(name)
        const hook = changed(present, change, clock.now())
        if (isDeepStrictEqual(present, hook)) return { hook: present, changed: false }
        await registry.update(hook)
        return { hook, changed: true }
      }),
    remove: name =>
      registry.exclusive(async () => {
        const hook = show(name)
        await registry.remove(hook.name)
        return hook
      }),
  }
}

function changed({ events, channels, stopped, ...hook }: Hook, change: HookChange, now: number): Hook {
  const nextEvents = change.events === undefined ? events : (change.events ?? undefined)
  const nextChannels = change.channels === undefined ? channels : (change.channels ?? undefined)
  if (nextEvents?.length === 0) throw usage('a hook is told of at least one type of record')
  if (nextChannels?.length === 0) throw usage('a hook is told of at least one channel')
  if (nextChannels !== undefined && nextChannels.length > HOOK_LIMITS.channels)
    throw usage(`a hook names at most ${HOOK_LIMITS.channels} channels`)
  const nextStopped = stoppedBy(stopped, change.stopped, now)
  return {
    ...hook,
    url: change.url === undefined ? hook.url : endpointUrl(change.url),
    ...(nextEvents === undefined ? {} : { events: HOOK_EVENTS.filter(type => nextEvents.includes(type)) }),
    ...(nextChannels === undefined ? {} : { channels: [...new Set(nextChannels)].sort((a, b) => a - b) }),
    ...(nextStopped === undefined ? {} : { stopped: nextStopped }),
  }
}

function stoppedBy(before: Hook['stopped'], why: HookStop | null | undefined, at: number): Hook['stopped'] {
  if (why === null) return undefined
  return why === undefined || before?.why === why ? before : { at, why }
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
