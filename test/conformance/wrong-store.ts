import { setImmediate as nextTurn } from 'node:timers/promises'
import { formatCursor, parseCursor } from '../../src/daemon/core/cursor.js'
import type {
  AppendOptions,
  Clock,
  DirectoryPort,
  LogPort,
  OutboxPort,
  Store,
  ViewPort,
} from '../../src/daemon/core/ports.js'
import { isKefuError } from '../../src/errors.js'
import type { STORE_CASES } from './store.suite.js'

/** Stores that break one promise each, made from a right one: every one of them must fail the case that is about its promise. */
export type Defect = {
  readonly name: string
  /** The case that must fail. */
  readonly port: keyof typeof STORE_CASES
  readonly caughtBy: string
  wrap(store: Store, clock: Clock): Store
}

/** All of a port, with some operations replaced. */
function withLog(store: Store, change: (log: LogPort) => Partial<LogPort>): Store {
  const { log } = store
  const plain: LogPort = {
    append: (...args) => log.append(...args),
    head: id => log.head(id),
    cachedHead: id => log.cachedHead(id),
    read: (...args) => log.read(...args),
    tail: (...args) => log.tail(...args),
    cursor: () => log.cursor(),
  }
  return { ...store, log: { ...plain, ...change(log) } }
}

function withOptions(store: Store, change: (options: AppendOptions) => AppendOptions): Store {
  return withLog(store, log => ({ append: (id, bodies, options = {}) => log.append(id, bodies, change(options)) }))
}

function withDirectory(store: Store, change: (directory: DirectoryPort) => Partial<DirectoryPort>): Store {
  const { directory } = store
  const plain: DirectoryPort = {
    get: key => directory.get(key),
    list: prefix => directory.list(prefix),
    create: (...args) => directory.create(...args),
    update: (...args) => directory.update(...args),
    remove: (...args) => directory.remove(...args),
    watch: (...args) => directory.watch(...args),
  }
  return { ...store, directory: { ...plain, ...change(directory) } }
}

function withOutbox(store: Store, change: (outbox: OutboxPort) => Partial<OutboxPort>): Store {
  const { outbox } = store
  const plain: OutboxPort = {
    work: (...args) => outbox.work(...args),
    resume: id => outbox.resume(id),
    rows: (...args) => outbox.rows(...args),
  }
  return { ...store, outbox: { ...plain, ...change(outbox) } }
}

function withView(store: Store, change: (view: ViewPort) => Partial<ViewPort>): Store {
  const { view } = store
  const plain: ViewPort = {
    inbox: (...args) => view.inbox(...args),
    waiting: (...args) => view.waiting(...args),
    activeCounts: () => view.activeCounts(),
    active: (...args) => view.active(...args),
    receipt: (...args) => view.receipt(...args),
    putReceipts: receipts => view.putReceipts(receipts),
  }
  return { ...store, view: { ...plain, ...change(view) } }
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = value
  return rest
}

/** The defects. */
export const DEFECTS: readonly Defect[] = [
  {
    name: 'the compare-and-set ignores what is expected',
    port: 'append',
    caughtBy: 'of 50 that expect the same, one wins',
    wrap: store => withOptions(store, options => without(options, 'expect')),
  },
  {
    name: 'what is expected is compared with the disk only',
    port: 'append',
    caughtBy: 'an expectation counts what is on its way to the disk',
    wrap: store =>
      withLog(store, log => ({
        append: (id, bodies, options = {}) => {
          const isRight = options.expect === undefined || options.expect === (log.cachedHead(id)?.n ?? 0)
          return log.append(id, bodies, isRight ? without(options, 'expect') : options)
        },
      })),
  },
  {
    name: 'sending again appends again',
    port: 'dedupe',
    caughtBy: 'the same id again gives the first answer',
    wrap: store => withOptions(store, options => without(options, 'id')),
  },
  {
    name: 'sending again is noticed only when the first is on disk',
    port: 'dedupe',
    caughtBy: 'the same id 50 times at once is stored once',
    wrap: store => {
      const known = new Set<string>()
      return withLog(store, log => ({
        append: async (id, bodies, options = {}) => {
          const key = `${id} ${options.id}`
          const result = await log.append(id, bodies, known.has(key) ? options : without(options, 'id'))
          known.add(key)
          return result
        },
      }))
    },
  },
  {
    name: 'contacts and agents share their ids',
    port: 'dedupe',
    caughtBy: 'ids of the other side do not count',
    wrap: store => {
      const results = new Map<string, ReturnType<LogPort['append']>>()
      return withLog(store, log => ({
        append: async (id, bodies, options = {}) => {
          const key = `${id} ${options.id}`
          const first = results.get(key)
          if (options.id !== undefined && first !== undefined) return { ...(await first), duplicate: true }
          const result = log.append(id, bodies, options)
          results.set(key, result)
          return await result
        },
      }))
    },
  },
  {
    name: 'ids are compared by a hash of four letters',
    port: 'dedupe',
    caughtBy: 'ids that look alike to a hash are different',
    wrap: store =>
      withLog(store, log => ({
        append: (id, bodies, options = {}) =>
          options.id?.startsWith('m-1') === true
            ? log.append(id, [{ type: 'message', by: { role: 'contact' }, id: 'm-1', parts: [] }], {
                ...options,
                id: 'm-1',
              })
            : log.append(id, bodies, options),
      })),
  },
  {
    name: 'platform keys are forgotten after ten minutes',
    port: 'dedupe',
    caughtBy: 'a platform key is known after 11 minutes and after almost 8 days',
    wrap: (store, clock) =>
      withOptions(store, options =>
        options.platformKey === undefined
          ? options
          : { ...options, platformKey: `${options.platformKey} ${Math.floor(clock.monotonicMs() / 600_000)}` },
      ),
  },
  {
    name: 'an append is acknowledged before it is on disk',
    port: 'append',
    caughtBy: 'what is acknowledged is seen at once, everywhere',
    wrap: store =>
      withLog(store, log => ({
        append: async (id, bodies, options = {}) => {
          const head = log.cachedHead(id)
          const result = log.append(id, bodies, options)
          if (head === undefined) return await result
          result.catch(() => undefined)
          return {
            n: head.n + bodies.length,
            cursor: formatCursor(parseCursor(log.cursor()) + bodies.length),
            at: head.at,
            duplicate: false,
          }
        },
      })),
  },
  {
    name: 'the head runs ahead of the disk',
    port: 'append',
    caughtBy: 'nothing is seen before it is durable',
    wrap: store => {
      const ahead = new Map<string, number>()
      return withLog(store, log => ({
        append: (id, bodies, options) => {
          ahead.set(id, (log.cachedHead(id)?.n ?? 0) + bodies.length)
          return log.append(id, bodies, options)
        },
        cachedHead: id => {
          const head = log.cachedHead(id)
          return head && { ...head, n: Math.max(head.n, ahead.get(id) ?? 0) }
        },
      }))
    },
  },
  {
    name: 'a unit is appended one by one',
    port: 'append',
    caughtBy: 'a unit with a body that is not allowed stores nothing',
    wrap: store =>
      withLog(store, log => ({
        append: async (id, bodies, options = {}) => {
          if (bodies.length < 2) return await log.append(id, bodies, options)
          const [first, ...rest] = bodies
          let result = await log.append(id, [first!], options)
          for (const body of rest) result = await log.append(id, [body])
          return result
        },
      })),
  },
  {
    name: 'appends overtake each other',
    port: 'append',
    caughtBy: 'numbers of a conversation follow the order of the calls',
    wrap: store => {
      let calls = 0
      return withLog(store, log => ({
        append: async (id, bodies, options) => {
          for (let turns = calls++ % 3; turns > 0; turns--) await nextTurn()
          return await log.append(id, bodies, options)
        },
      }))
    },
  },
  {
    name: 'a read hides a gap',
    port: 'read',
    caughtBy: 'every page is the right part of the conversation',
    wrap: store =>
      withLog(store, log => ({
        read: async (...args) => (await log.read(...args)).filter(record => record.n !== 5),
      })),
  },
  {
    name: 'a read ignores its byte limit',
    port: 'read',
    caughtBy: 'a page ends near its byte limit, with one record at least',
    wrap: store => withLog(store, log => ({ read: (id, after, limit) => log.read(id, after, limit) })),
  },
  {
    name: 'the tail skips the first record of every batch but the first',
    port: 'read',
    caughtBy: 'a tail that does not pull misses nothing',
    wrap: store =>
      withLog(store, log => ({
        async *tail(after, signal) {
          let isFirst = true
          for await (const entries of log.tail(after, signal)) {
            if (isFirst || entries.length > 1) yield isFirst ? entries : entries.slice(1)
            isFirst = false
          }
        },
      })),
  },
  {
    name: 'the tail repeats the record of its cursor',
    port: 'read',
    caughtBy: 'the tail goes on from every cursor',
    wrap: store =>
      withLog(store, log => ({
        tail: (after, signal) => log.tail(after === '0:0' ? after : formatCursor(parseCursor(after) - 1), signal),
      })),
  },
  {
    name: 'the tail gives the head as it is now to who reads along',
    port: 'read',
    caughtBy: 'a tail that reads along sees each record with the head as of it',
    wrap: store =>
      withLog(store, log => ({
        async *tail(after, signal) {
          for await (const entries of log.tail(after, signal))
            yield entries.map(({ record, head }) => ({ record, head: log.cachedHead(record.conversation) ?? head }))
        },
      })),
  },
  {
    name: 'a time to live never ends',
    port: 'directory',
    caughtBy: 'an entry goes when its time is over',
    wrap: store =>
      withDirectory(store, directory => ({
        create: (key, value) => directory.create(key, value),
        update: (key, value, revision) => directory.update(key, value, revision),
      })),
  },
  {
    name: 'a renewal does not renew',
    port: 'directory',
    caughtBy: 'a renewed entry stays',
    wrap: (store, clock) => {
      const ends = new Map<string, number>()
      return withDirectory(store, directory => ({
        create: (key, value, ttlMs) => {
          if (ttlMs !== undefined) ends.set(key, clock.monotonicMs() + ttlMs)
          return directory.create(key, value, ttlMs)
        },
        update: (key, value, revision, ttlMs) => {
          const end = ends.get(key)
          const left = end === undefined ? ttlMs : Math.max(1, end - clock.monotonicMs())
          return left === undefined
            ? directory.update(key, value, revision)
            : directory.update(key, value, revision, left)
        },
      }))
    },
  },
  {
    name: 'time to live is on the wall clock',
    port: 'directory',
    caughtBy: 'the wall clock has no part in expiry',
    wrap: (store, clock) => {
      const ends = new Map<string, number>()
      return withDirectory(store, directory => ({
        create: (key, value, ttlMs) => {
          if (ttlMs !== undefined) ends.set(key, clock.now() + ttlMs)
          return directory.create(key, value, ttlMs)
        },
        get: async key =>
          clock.now() >= (ends.get(key) ?? Number.POSITIVE_INFINITY) ? null : await directory.get(key),
      }))
    },
  },
  {
    name: 'an update ignores the revision',
    port: 'directory',
    caughtBy: 'of 50 that change the same revision, one does',
    wrap: store =>
      withDirectory(store, directory => ({
        update: async (key, value, revision, ttlMs) => {
          for (let latest = revision; ; latest = (await directory.get(key))?.revision ?? revision) {
            try {
              return await directory.update(key, value, latest, ttlMs)
            } catch (error) {
              if (!isKefuError(error, 'KEFU_DIRECTORY_CONFLICT')) throw error
            }
          }
        },
      })),
  },
  {
    name: 'creating replaces',
    port: 'directory',
    caughtBy: 'of 50 that create the same, one does',
    wrap: store =>
      withDirectory(store, directory => ({
        create: async (key, value, ttlMs) => {
          for (;;) {
            try {
              const present = await directory.get(key)
              if (present === null) return await directory.create(key, value, ttlMs)
              return await directory.update(key, value, present.revision, ttlMs)
            } catch (error) {
              if (!isKefuError(error, 'KEFU_DIRECTORY_EXISTS') && !isKefuError(error, 'KEFU_DIRECTORY_CONFLICT'))
                throw error
            }
          }
        },
      })),
  },
  {
    name: 'a watcher is not told what goes',
    port: 'directory',
    caughtBy: 'a watcher sees what there is, then every change in order',
    wrap: store =>
      withDirectory(store, directory => ({
        async *watch(prefix, signal) {
          for await (const event of directory.watch(prefix, signal)) if (event.type === 'put') yield event
        },
      })),
  },
  {
    name: 'signals come before the publisher has gone on',
    port: 'bus',
    caughtBy: 'a signal reaches every subscriber once, after the publisher has gone on',
    wrap: store => {
      const topics = new Map<string, Set<(payload: Uint8Array) => void>>()
      return {
        ...store,
        bus: {
          publish: (topic, payload) => {
            for (const callback of topics.get(topic) ?? []) callback(payload)
          },
          subscribe: (topic, callback) => {
            const callbacks = topics.get(topic) ?? new Set()
            topics.set(topic, callbacks.add(callback))
            return () => callbacks.delete(callback)
          },
          request: (...args) => store.bus.request(...args),
        },
      }
    },
  },
  {
    name: 'the outbox sends what is unknown again',
    port: 'outbox',
    caughtBy: 'unknown, and a handler that throws, let the next ones go and are never repeated',
    wrap: store =>
      withOutbox(store, outbox => ({
        work: (lane, concurrency, handler, signal) =>
          outbox.work(
            lane,
            concurrency,
            async (job, attempt) => {
              const result = await handler(job, attempt).catch(() => ({ type: 'unknown' }) as const)
              return result.type === 'unknown' && attempt === 1 ? { type: 'retry', retryMs: 0 } : result
            },
            signal,
          ),
      })),
  },
  {
    name: 'the outbox does not wait for the answer before the next of a conversation',
    port: 'outbox',
    caughtBy: 'with 8 workers each conversation keeps its order, one job at a time',
    wrap: store =>
      withOutbox(store, outbox => ({
        work: async (lane, concurrency, handler, signal) => {
          const running: Promise<unknown>[] = []
          let failure: unknown
          const fast = async (...args: Parameters<typeof handler>) => {
            running.push(
              handler(...args).catch(error => {
                failure = error
              }),
            )
            return { type: 'sent' } as const
          }
          await outbox.work(lane, concurrency, fast, signal)
          await Promise.all(running)
          if (failure !== undefined) throw failure
        },
      })),
  },
  {
    name: 'a retry goes at once',
    port: 'outbox',
    caughtBy: 'a retry waits its time, keeps its place and counts',
    wrap: store =>
      withOutbox(store, outbox => ({
        work: (lane, concurrency, handler, signal) =>
          outbox.work(
            lane,
            concurrency,
            async (job, attempt) => {
              const result = await handler(job, attempt)
              return result.type === 'retry' ? { type: 'retry', retryMs: 0 } : result
            },
            signal,
          ),
      })),
  },
  {
    name: 'a conversation that left an agent is gone from the inbox',
    port: 'view',
    caughtBy: 'a conversation that went to another stays where it left',
    wrap: store =>
      withView(store, view => ({
        inbox: async (owner, range) => {
          const { entries, more } = await view.inbox(owner, range)
          return { entries: entries.filter(({ head }) => owner === `a:${head.agent}` || owner.startsWith('ch:')), more }
        },
      })),
  },
  {
    name: 'pages of an inbox overlap',
    port: 'view',
    caughtBy: 'pages of an inbox of any size join up',
    wrap: store =>
      withView(store, view => ({
        inbox: (owner, range) =>
          view.inbox(owner, {
            ...range,
            ...(range.before === undefined ? {} : { before: formatCursor(parseCursor(range.before) + 1) }),
          }),
      })),
  },
  {
    name: 'the waiting line is in order of ids',
    port: 'view',
    caughtBy: 'those who wait longest come first, in pages',
    wrap: store =>
      withView(store, view => ({
        waiting: async (limit, after) =>
          (await view.waiting(limit, after)).toSorted((a, b) => (a.conversation < b.conversation ? -1 : 1)),
      })),
  },
  {
    name: 'counts of open conversations lag behind',
    port: 'view',
    caughtBy: 'open conversations are counted and listed per agent',
    wrap: store => {
      let first: ReadonlyMap<string, number> | undefined
      return withView(store, view => ({
        activeCounts: async () => {
          first ??= await view.activeCounts()
          return first
        },
      }))
    },
  },
]
