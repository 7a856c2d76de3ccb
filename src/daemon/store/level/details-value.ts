import { pack } from '../../../codec/msgpack.js'
import { PRIORITIES } from '../../../codec/wire-commands.js'
import type { Details } from '../../core/model.js'

/** Details stay the same over many records, and so do their bytes. */
const packed = new WeakMap<Details, Uint8Array>()

/** Details as msgpack: an array, in the order of `unpackDetails`. The bytes are shared: not to be changed. */
export function packDetails(details: Details): Uint8Array {
  let bytes = packed.get(details)
  if (bytes === undefined) {
    bytes = pack([
      details.episode,
      details.openedAt,
      details.answeredAt ?? null,
      details.lineSince,
      details.team ?? null,
      PRIORITIES.indexOf(details.priority),
      details.tags,
      details.subject ?? null,
      details.language ?? null,
      details.requires,
      details.prefers,
      details.snoozedUntil ?? null,
      details.declinedBy,
      details.lastAgent === undefined ? null : [details.lastAgent.id, details.lastAgent.at],
      details.rating ?? null,
      details.attributes,
      details.person ?? null,
      details.teamSince,
      details.overdueSince ?? null,
      details.idleWarnedAt ?? null,
      details.wokenFor ?? null,
      details.window === undefined ? null : [details.window.n, details.window.until, details.window.messages],
    ])
    packed.set(details, bytes)
  }
  return bytes
}

/** The details of an unpacked `packDetails`. */
export function unpackDetails(fields: readonly unknown[]): Details {
  const window = fields[21] as readonly [number, number, number] | null
  const lastAgent = fields[13] as readonly [string, number] | null
  return {
    episode: fields[0] as number,
    openedAt: fields[1] as number,
    answeredAt: (fields[2] as number | null) ?? undefined,
    lineSince: fields[3] as number,
    team: (fields[4] as string | null) ?? undefined,
    priority: PRIORITIES[fields[5] as number] ?? 'normal',
    tags: fields[6] as string[],
    subject: (fields[7] as string | null) ?? undefined,
    language: (fields[8] as string | null) ?? undefined,
    requires: fields[9] as Record<string, number>,
    prefers: fields[10] as string[],
    snoozedUntil: (fields[11] as number | null) ?? undefined,
    declinedBy: fields[12] as string[],
    lastAgent: lastAgent === null ? undefined : { id: lastAgent[0], at: lastAgent[1] },
    rating: (fields[14] as number | null) ?? undefined,
    attributes: fields[15] as Record<string, string>,
    person: (fields[16] as string | null) ?? undefined,
    teamSince: fields[17] as number,
    overdueSince: (fields[18] as number | null) ?? undefined,
    idleWarnedAt: (fields[19] as number | null) ?? undefined,
    wokenFor: (fields[20] as string | null) ?? undefined,
    window: window === null ? undefined : { n: window[0], until: window[1], messages: window[2] },
  }
}
