import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { pack } from '../../../codec/msgpack.js'
import { KefuError } from '../../../errors.js'
import { suggestion } from '../../../nearest.js'
import { CANNED_LIMITS, type CannedReply, cannedText } from '../../core/canned.js'
import { entityName } from '../../core/entity-name.js'
import { languageTag } from '../../core/languages.js'
import type { Clock, DirectoryPort } from '../../core/ports.js'
import { Registry, type RegistryChange } from './registry.js'

/** What canned replies stand on. */
export type CannedPorts = { readonly directory: DirectoryPort; readonly clock: Pick<Clock, 'now'> }

/** A text in a language (`''` for none); null takes it away. */
export type CannedTextChange = { readonly language: string; readonly text: string | null }

/** What is to be changed; what is not named stays. The team is an id, null for everybody. */
export type CannedChange = { readonly texts?: readonly CannedTextChange[]; readonly team?: string | null }

/** A canned reply, and whether anything was changed. */
export type CannedChanged = { readonly reply: CannedReply; readonly changed: boolean }

/** The canned replies, all in memory. Changes are durable when their promise resolves. */
export type CannedRegistry = {
  /** Makes one, or finds the same one. Throws `KEFU_CANNED_EXISTS` when the shortcut has other texts, `KEFU_CANNED_USED`, and `KEFU_USAGE` for what is out of bounds. */
  add(name: string, change: CannedChange): Promise<CannedChanged>
  /** Throws `KEFU_CANNED_NOT_FOUND`, and `KEFU_USAGE` for what is out of bounds. */
  set(name: string, change: CannedChange): Promise<CannedChanged>
  /** Throws `KEFU_CANNED_NOT_FOUND` with the nearest shortcut. */
  show(name: string): CannedReply
  /** All, by shortcut. The same array until something changes. */
  list(): readonly CannedReply[]
  /** Throws `KEFU_CANNED_NOT_FOUND`. */
  remove(name: string): Promise<CannedReply>
  /** Calls back after every durable change; the callback must not throw. Returns the function that ends it. */
  onChange(callback: (change: RegistryChange<CannedReply>) => void): () => void
}

const PREFIX = 'canned/'

const cannedSchema: z.ZodType<CannedReply> = z.object({
  name: z.string(),
  texts: z.record(z.string(), z.string()).readonly(),
  team: z.string().exactOptional(),
  createdAt: z.int(),
})

/** The canned replies of a directory. Throws `KEFU_STORE_CORRUPT` for an entry that is none. */
export async function createCanned({ directory, clock }: CannedPorts): Promise<CannedRegistry> {
  const registry = await Registry.load(directory, PREFIX, cannedSchema)

  const show = (text: string): CannedReply => {
    const name = entityName(text)
    const reply = registry.get(name)
    if (reply !== undefined) return reply
    const names = registry.list().map(known => known.name)
    throw new KefuError('KEFU_CANNED_NOT_FOUND', { name, suggestion: suggestion(name, names) })
  }

  return {
    show,
    list: () => registry.list(),
    onChange: callback => registry.onChange(callback),
    async add(text, change) {
      const name = entityName(text)
      return registry.exclusive(async () => {
        const present = registry.get(name)
        const reply = changed({ name, texts: {}, createdAt: present?.createdAt ?? clock.now() }, change)
        if (present !== undefined) {
          if (!isDeepStrictEqual(present, reply)) throw new KefuError('KEFU_CANNED_EXISTS', { name })
          return { reply: present, changed: false }
        }
        const limit = CANNED_LIMITS.replies
        if (registry.list().length >= limit) throw new KefuError('KEFU_CANNED_USED', { limit })
        await registry.create(reply)
        return { reply, changed: true }
      })
    },
    set: (name, change) =>
      registry.exclusive(async () => {
        const present = show(name)
        const reply = changed(present, change)
        if (isDeepStrictEqual(present, reply)) return { reply: present, changed: false }
        await registry.update(reply)
        return { reply, changed: true }
      }),
    remove: name =>
      registry.exclusive(async () => {
        const reply = show(name)
        await registry.remove(reply.name)
        return reply
      }),
  }
}

function changed({ name, texts, team, createdAt }: CannedReply, change: CannedChange): CannedReply {
  const all: Record<string, string> = { ...texts }
  for (const { language, text } of change.texts ?? []) {
    const tag = language === '' ? '' : languageTag(language)
    if (text === null) delete all[tag]
    else all[tag] = cannedText(text)
  }
  const tags = Object.keys(all).sort()
  if (tags.length === 0) throw usage('a canned reply needs a text')
  if (tags.length > CANNED_LIMITS.languages)
    throw usage(`a canned reply has texts in at most ${CANNED_LIMITS.languages} languages`)
  const nextTeam = change.team === undefined ? team : (change.team ?? undefined)
  const reply: CannedReply = {
    name,
    texts: Object.fromEntries(tags.map(tag => [tag, all[tag]!])),
    ...(nextTeam === undefined ? {} : { team: nextTeam }),
    createdAt,
  }
  if (pack(reply).length > CANNED_LIMITS.bytes)
    throw usage(`the texts of a canned reply have at most ${CANNED_LIMITS.bytes} bytes in all`)
  return reply
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
