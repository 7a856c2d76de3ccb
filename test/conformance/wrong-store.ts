import { formatCursor, parseCursor } from '../../src/daemon/core/cursor.js'
import { isKefuError } from '../../src/errors.js'
import { type Defect, withDirectory, withView } from './wrong-kit.js'
import { LOG_DEFECTS } from './wrong-log.js'
import { OUTBOX_DEFECTS } from './wrong-outbox.js'

/** The defects, of every port. */
export const DEFECTS: readonly Defect[] = [
  ...LOG_DEFECTS,
  ...OUTBOX_DEFECTS,
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
