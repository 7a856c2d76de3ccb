import { MessageChannel } from 'node:worker_threads'
import type { SearchStatus } from '../../src/daemon/core/search.js'
import type { FromThread } from '../../src/daemon/search/protocol.js'
import { serveSearch } from '../../src/daemon/search/thread-host.js'
import type { StartThread } from '../../src/daemon/search/worker.js'

/** A thread that searches in the thread of the test. Messages are copied and bytes handed over as between real ones. */
export const startInProcess: StartThread = (data, listener) => {
  const { port1, port2 } = new MessageChannel()
  let isGone = false
  const end = (reason: string): void => {
    if (isGone) return
    isGone = true
    port1.close()
    listener.gone(reason)
  }
  port1.on('message', (message: FromThread) => {
    if (!isGone) listener.message(message)
  })
  port1.on('close', () => end('it ended'))
  serveSearch(port2, data).catch((error: unknown) => end(String(error)))
  return {
    post: (message, transfer) => port1.postMessage(message, [...transfer]),
    terminate: async () => end('terminated'),
  }
}

/** The status of an index that is up to date. */
export const READY_SEARCH: SearchStatus = {
  ...{ state: 'ready', lag: 0, docs: 41, segments: 2, bytes: 42, searches: 43, restarts: 1 },
}
