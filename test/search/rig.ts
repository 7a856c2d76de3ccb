import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Clock, LogPort, Store } from '../../src/daemon/core/ports.js'
import type { SearchPage, SearchRequest } from '../../src/daemon/core/search.js'
import type { FromThread, ToThread } from '../../src/daemon/search/protocol.js'
import { type OpenSearch, openSearch } from '../../src/daemon/search/service.js'
import type { SearchThread, StartThread } from '../../src/daemon/search/worker.js'
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import { createSystemClock } from '../helpers/manual-clock.js'
import { startInProcess } from '../helpers/search-thread.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'

/** What a rig may have otherwise. */
export type SearchRigOptions = {
  readonly clock?: Clock
  readonly log?: (log: LogPort) => Partial<LogPort>
  readonly start?: StartThread
  readonly path?: string
  readonly store?: Store
  /** Sees each message to the thread before it is sent. */
  readonly onPost?: (message: ToThread) => void
  /** Changes or holds back what the thread says. */
  readonly hear?: (message: FromThread) => FromThread | undefined
}

/** A search over a memory store, its threads in the thread of the test. */
export type SearchRig = {
  readonly store: Store
  readonly search: OpenSearch
  readonly path: string
  /** Those that were started, the last one last. */
  readonly threads: readonly SearchThread[]
  readonly events: readonly string[]
}

/** Opens a rig. */
export function openSearchRig(t: TestContext, options: SearchRigOptions = {}): SearchRig {
  const { clock = createHoldingClock(), start = startInProcess, hear = m => m } = options
  const path = options.path ?? join(makeTmpDir(), 'search')
  const store = options.store ?? createMemoryStore({ clock })
  const threads: SearchThread[] = []
  const events: string[] = []
  const tell = (event: string): void => void events.push(event)
  const search = openSearch(
    {
      log: { ...bound(store.log), ...options.log?.(store.log) },
      clock,
      events: { info: tell, warn: tell },
      start: (data, listener) => {
        const thread = start(data, {
          gone: listener.gone,
          message: message => {
            const heard = hear(message)
            if (heard !== undefined) listener.message(heard)
          },
        })
        const seen: SearchThread = {
          post: (message, transfer) => {
            options.onPost?.(message)
            thread.post(message, transfer)
          },
          terminate: () => thread.terminate(),
        }
        threads.push(seen)
        return seen
      },
    },
    { path },
  )
  t.after(async () => {
    await search.close()
    removeDir(path)
  })
  return { store, search, path, threads, events }
}

/** All hits of a search, page by page; their positions. */
export async function allHits(search: OpenSearch, request: SearchRequest, limit: number): Promise<number[]> {
  const seqs: number[] = []
  let after = request.after
  for (;;) {
    const page: SearchPage = await search.search(
      { ...request, ...(after !== undefined && { after }) },
      { limit, context: 0 },
      new AbortController().signal,
    )
    seqs.push(...page.hits.map(({ seq }) => seq))
    if (page.next === undefined) return seqs
    after = page.next
  }
}

function bound(log: LogPort): LogPort {
  return {
    append: (...args) => log.append(...args),
    head: id => log.head(id),
    cachedHead: id => log.cachedHead(id),
    read: (...args) => log.read(...args),
    readAt: seqs => log.readAt(seqs),
    tail: (...args) => log.tail(...args),
    cursor: () => log.cursor(),
    committedAtMs: () => log.committedAtMs(),
  }
}

/** The machine's clock; what it is to call later keeps the process of the test alive, as a thread does that is not in it. */
export function createHoldingClock(): Clock {
  const clock = createSystemClock()
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs)
      return () => clearTimeout(timer)
    },
  }
}
