import { z } from 'zod'
import type { AuditEntry } from '../core/audit.js'
import type { DirectoryPort } from '../core/ports.js'
import { storeEntry } from '../engine/registry/sole-writer.js'
import type { AuditHead } from './chain.js'

/** Where the log stands, kept apart from it: in the store. So it shows when the end of the log, or all of it, is gone. */
export type AuditHeads = {
  /** Undefined where none was saved. Rejects with what the store throws. */
  load(): Promise<AuditHead | undefined>
  /** Durable on return. Rejects with what the store throws. One call after the other. */
  save(head: AuditHead): Promise<void>
}

const KEY = 'audit/head'

const stored = z.object({
  n: z.int().min(0),
  hash: z.string().length(64),
  /** As JSON: what is open is seldom looked at. */
  open: z.array(z.string()),
})

/** The head of a log in the directory of a store. */
export function headsIn(directory: Pick<DirectoryPort, 'create' | 'get' | 'update'>): AuditHeads {
  let revision: number | undefined
  return {
    async load() {
      const present = await directory.get(KEY)
      if (present === null) return undefined
      revision = present.revision
      const { n, hash, open } = stored.parse(present.value)
      return { n, hash, open: open.map(text => JSON.parse(text) as AuditEntry) }
    },
    async save({ n, hash, open }) {
      revision = await storeEntry(directory, KEY, { n, hash, open: open.map(entry => JSON.stringify(entry)) }, revision)
    },
  }
}
