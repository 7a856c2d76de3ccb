import { setImmediate as nextTurn } from 'node:timers/promises'
import { formatCursor, parseCursor } from '../../src/daemon/core/cursor.js'
import type { LogPort } from '../../src/daemon/core/ports.js'
import { type Defect, withLog, withOptions, without } from './wrong-kit.js'

/** Logs that break a promise. */
export const LOG_DEFECTS: readonly Defect[] = [
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
    name: 'when it committed is told from the call, not from the commit',
    port: 'append',
    caughtBy: 'it is known when the last record became durable',
    wrap: (store, clock) => withLog(store, () => ({ committedAtMs: () => clock.monotonicMs() })),
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
    name: 'records are read by position in the order of the log',
    port: 'read',
    caughtBy: 'records are read by their positions, in the order asked for',
    wrap: store => withLog(store, log => ({ readAt: seqs => log.readAt(seqs.toSorted((a, b) => a - b)) })),
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
]
