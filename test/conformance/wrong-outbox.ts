import { formatCursor, parseCursor } from '../../src/daemon/core/cursor.js'
import { isKefuError } from '../../src/errors.js'
import { type Defect, withOutbox, without } from './wrong-kit.js'

/** Outboxes that break a promise. */
export const OUTBOX_DEFECTS: readonly Defect[] = [
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
            async (job, attempt, progress) => {
              const result = await handler(job, attempt, progress).catch(() => ({ type: 'unknown' }) as const)
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
            async (job, attempt, progress) => {
              const result = await handler(job, attempt, progress)
              return result.type === 'retry' ? { type: 'retry', retryMs: 0 } : result
            },
            signal,
          ),
      })),
  },
  {
    name: 'of what has gone only the number is kept',
    port: 'outbox',
    caughtBy: 'an attempt is told what has gone, and where; a free one does not count',
    wrap: store =>
      withOutbox(store, outbox => ({
        work: (lane, concurrency, handler, signal) =>
          outbox.work(lane, concurrency, (job, attempt, { pieces }) => handler(job, attempt, { pieces }), signal),
      })),
  },
  {
    name: 'rows do not say when they are tried again',
    port: 'outbox',
    caughtBy: 'rows say how often, when again, and why not',
    wrap: store =>
      withOutbox(store, outbox => ({
        rows: async range => {
          const { rows, ...rest } = await outbox.rows(range)
          return { rows: rows.map(row => without(row, 'retryAt')), ...rest }
        },
      })),
  },
  {
    name: 'reasons have no bound',
    port: 'outbox',
    caughtBy: 'of a reason only so much is kept',
    wrap: store => {
      let reason = ''
      return withOutbox(store, outbox => ({
        work: (lane, concurrency, handler, signal) =>
          outbox.work(
            lane,
            concurrency,
            async (job, attempt, progress) => {
              const result = await handler(job, attempt, progress)
              if (result.type === 'dead') reason = result.reason
              return result
            },
            signal,
          ),
        rows: async range => {
          const { rows, ...rest } = await outbox.rows(range)
          return { rows: rows.map(row => (row.state === 'dead' ? { ...row, reason } : row)), ...rest }
        },
      }))
    },
  },
  {
    name: 'a page of rows begins with the last of the one before',
    port: 'outbox',
    caughtBy: 'rows of some states, of all lanes, in pages, come in log order',
    wrap: store =>
      withOutbox(store, outbox => ({
        rows: ({ after, ...range }) =>
          outbox.rows(after === undefined ? range : { ...range, after: formatCursor(parseCursor(after) - 1) }),
      })),
  },
  {
    name: 'a page of rows is filled before it is filtered',
    port: 'outbox',
    caughtBy: 'rows of some states, of all lanes, in pages, come in log order',
    wrap: store =>
      withOutbox(store, outbox => ({
        rows: async ({ states, ...range }) => {
          const { rows, ...rest } = await outbox.rows(range)
          return { rows: rows.filter(({ state }) => states?.includes(state) ?? true), ...rest }
        },
      })),
  },
  {
    name: 'totals are those of the first look',
    port: 'outbox',
    caughtBy: 'totals follow every change',
    wrap: store => {
      let first: ReturnType<typeof store.outbox.totals> | undefined
      return withOutbox(store, outbox => ({ totals: () => (first ??= outbox.totals()) }))
    },
  },
  {
    name: 'what is tried again goes to the end of the line',
    port: 'outbox',
    caughtBy: 'a dead one that is tried again goes before what waits, after what has gone',
    wrap: store => {
      const late = new Set<number>()
      return withOutbox(store, outbox => ({
        retry: async (id, n, options) => {
          late.add(n)
          return await outbox.retry(id, n, options)
        },
        work: (lane, concurrency, handler, signal) =>
          outbox.work(
            lane,
            concurrency,
            async (job, attempt, progress) =>
              late.delete(job.n) ? { type: 'retry', retryMs: 60_000 } : await handler(job, attempt, progress),
            signal,
          ),
      }))
    },
  },
  {
    name: 'of two that are parked one is resumed',
    port: 'outbox',
    caughtBy: 'what is parked behind one that is tried again is resumed, too',
    wrap: store => {
      const retried = new Set<string>()
      return withOutbox(store, outbox => ({
        retry: async (id, n, options) => {
          retried.add(id)
          return await outbox.retry(id, n, options)
        },
        resume: async id => {
          if (!retried.has(id)) await outbox.resume(id)
        },
      }))
    },
  },
  {
    name: 'whoever asks again is told that it was done again',
    port: 'outbox',
    caughtBy: 'what is queued is not tried again twice, what is sent or parked not at all',
    wrap: store =>
      withOutbox(store, outbox => ({
        retry: async (...args) => {
          await outbox.retry(...args)
          return true
        },
      })),
  },
  {
    name: 'what is unknown goes again without being asked for',
    port: 'outbox',
    caughtBy: 'an unknown one goes again only when that is said',
    wrap: store => withOutbox(store, outbox => ({ retry: (id, n) => outbox.retry(id, n, { mayRepeat: true }) })),
  },
  {
    name: 'what is dropped goes all the same',
    port: 'outbox',
    caughtBy: 'what is dropped does not go, and what follows does',
    wrap: store => withOutbox(store, () => ({ drop: async () => true })),
  },
  {
    name: 'what is not there is dropped',
    port: 'outbox',
    caughtBy: 'dropping again changes nothing; what never was is told',
    wrap: store =>
      withOutbox(store, outbox => ({
        drop: async (id, n) => {
          try {
            return await outbox.drop(id, n)
          } catch (error) {
            if (isKefuError(error, 'KEFU_OUTBOX_NOT_FOUND')) return false
            throw error
          }
        },
      })),
  },
  {
    name: 'what is being sent counts as dropped',
    port: 'outbox',
    caughtBy: 'what is being sent is neither dropped nor tried again',
    wrap: store =>
      withOutbox(store, outbox => ({
        drop: async (id, n) => {
          try {
            return await outbox.drop(id, n)
          } catch (error) {
            if (isKefuError(error, 'KEFU_OUTBOX_STATE')) return true
            throw error
          }
        },
      })),
  },
  {
    name: 'a drop is told before it is done',
    port: 'outbox',
    caughtBy: 'operators and workers at once: everything goes once or not at all, in order',
    wrap: store =>
      withOutbox(store, outbox => ({
        drop: async (id, n) => {
          outbox
            .rows({ limit: 1 })
            .then(() => outbox.drop(id, n))
            .catch(() => undefined)
          return true
        },
      })),
  },
]
