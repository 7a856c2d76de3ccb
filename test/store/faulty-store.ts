import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Store } from '../../src/daemon/core/ports.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import type { StoreLimits } from '../../src/daemon/store/options.js'
import { turns, until } from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { FaultyDisk } from './faulty-handle.js'

/** A store on a disk that can be made to fail. `recover` waits until it takes writes again. */
export async function openFaulty(
  t: TestContext,
  limits: Partial<StoreLimits> = {},
  path = join(tmpDir(t), 'store'),
  disk = new FaultyDisk(),
) {
  const clock = createManualClock()
  const store = await openLevelStore({ path, clock, limits }, disk.open)
  t.after(() => store.close())
  const stateOf = async () => (await store.info()).state
  const recover = async () => {
    await until('the recovery', async () => {
      clock.advance(1_000)
      await turns()
      return (await stateOf()) === 'ready'
    })
  }
  return { path, clock, disk, store, stateOf, recover }
}

/** Opens what is on disk again and checks all of it. */
export async function assertSound(path: string, store: Store): Promise<void> {
  await store.close()
  const again = await openLevelStore({ path, clock: createManualClock() })
  try {
    assert.deepEqual((await again.info()).damage, [])
    assert.deepEqual((await again.check({ deep: true })).findings, [])
  } finally {
    await again.close()
  }
}
