import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Directory } from '../../src/daemon/store/level/directory.js'
import type { DirectoryEntry } from '../../src/daemon/store/level/directory-entry.js'
import { createManualClock } from '../helpers/manual-clock.js'

test('a directory of very many entries is taken over, with the highest revision of all', async () => {
  const clock = createManualClock()
  const revisions: number[] = []
  const writer = { ride: async () => {} }
  const digests = { add: (_name: string, _key: unknown, _crc: unknown, revision: number) => revisions.push(revision) }
  const ports = { writer, digests, clock, valueBytes: 1_024 } as unknown as ConstructorParameters<typeof Directory>[0]
  const directory = new Directory(ports)
  const count = 200_000
  const entries = Array.from(
    { length: count },
    (_, at): DirectoryEntry => ({
      key: `person/${at}`,
      value: at,
      revision: at + 1,
      ttlMs: undefined,
      expiresAt: 0,
    }),
  )
  directory.reset(entries, 7, false)
  assert.equal((await directory.get(`person/${count - 1}`))?.value, count - 1)
  assert.equal(await directory.create('person/new', {}), count + 1)
  directory.close()
})
