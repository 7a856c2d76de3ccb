import type { AuditPort } from './core/audit.js'
import type { MediaPort } from './core/media.js'
import type { Clock, Store } from './core/ports.js'
import type { SearchPort } from './core/search.js'
import type { Platforms } from './engine/platforms/platforms.js'
import type { ChannelRegistry } from './engine/registry/channels.js'
import { Forgettings } from './engine/retention/forgetting.js'
import { Retention } from './engine/retention/retention.js'
import type { Persons } from './engine/routing/persons.js'
import type { Outgoing } from './outgoing.js'

/** What forgetting is composed of. */
export type RetentionSources = {
  readonly store: Store
  readonly clock: Clock
  readonly media: MediaPort
  readonly persons: Persons
  readonly channels: ChannelRegistry
  readonly audit: Pick<AuditPort, 'record'>
  readonly platforms: Pick<Platforms, 'forgetFiles'>
  readonly outgoing: Pick<Outgoing, 'forget'>
  readonly search: Pick<SearchPort, 'remove'>
  readonly report: (error: unknown) => void
}

/** What is forgotten, by command and when its time is over. */
export type OpenRetention = {
  /** What the operations on it act on. */
  readonly control: { readonly forgettings: Forgettings }
  close(): Promise<void>
}

/** Goes on with what an earlier process left; call when everything that keeps something of a conversation is there. */
export async function openRetention(sources: RetentionSources): Promise<OpenRetention> {
  const { store, clock, media, persons, channels, platforms, outgoing, search, report } = sources
  const { log, eraser, outbox, directory } = store
  const onForgotten = (_: unknown, seqs: readonly number[]): Promise<void> => search.remove(seqs)
  const forgettings = new Forgettings({
    ...{ log, eraser, outbox, directory, media, persons, clock, report },
    dropQueued: async conversation => {
      await platforms.forgetFiles(conversation)
      await outgoing.forget(conversation)
    },
    onForgotten,
  })
  await forgettings.resume()
  const retention = new Retention({
    ...{ log, eraser, outbox, directory, media, channels, clock, report, onForgotten },
    applied: ({ records, files }) =>
      sources.audit.record({ action: 'retention.apply', by: { kind: 'daemon' }, fields: { records, files } }),
  })
  retention.start()
  return {
    control: { forgettings },
    async close() {
      await Promise.all([retention.close(), forgettings.close()])
    },
  }
}
