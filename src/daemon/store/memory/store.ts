import { KefuError } from '../../../errors.js'
import type { Clock, Store } from '../../core/ports.js'
import { createBus } from '../bus.js'
import { SILENT, type StoreLogger } from '../options.js'
import { MemoryDirectory } from './directory.js'
import { MemoryLog } from './log.js'
import { MemoryOutbox } from './outbox.js'
import { MemoryView } from './view.js'

/**
 * A store without a disk, as plain as can be: the model for the conformance suite, and the store of the engine's tests. It keeps everything that the ports
 * promise except that it is gone with the process.
 */
export function createMemoryStore({
  clock,
  logger = SILENT,
}: {
  readonly clock: Clock
  readonly logger?: StoreLogger
}): Store {
  const outbox = new MemoryOutbox(clock)
  const log = new MemoryLog(clock, entry => outbox.added(entry))
  const directory = new MemoryDirectory(clock)
  let isClosed = false

  return {
    log,
    eraser: {
      forget: what => log.forget(what),
      async expunge(_, signal) {
        if (signal.aborted) throw new KefuError('KEFU_ABORTED')
      },
    },
    directory,
    bus: createBus({ clock, logger }),
    outbox,
    view: new MemoryView(log.conversations),
    async info() {
      const records = log.entries.length
      const sizeBytes = log.entries.reduce((sum, { record }) => sum + record.bytes.length, 0)
      return {
        engine: 'memory',
        path: '',
        format: 1,
        records,
        sizeBytes,
        state: 'ready',
        damage: [],
        commits: log.commits,
        committedRecords: records,
      }
    },
    refusal: () => (isClosed ? new KefuError('KEFU_DRAINING') : undefined),
    async check({ deep, signal, onProgress }) {
      if (signal?.aborted) throw new KefuError('KEFU_ABORTED')
      const records = log.entries.length
      onProgress?.(records, records)
      return { deep, records, conversations: log.conversations.size, findings: [] }
    },
    async close() {
      isClosed = true
      log.close()
      directory.close()
      outbox.close()
    },
  }
}
