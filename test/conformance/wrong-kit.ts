import type {
  AppendOptions,
  Clock,
  DirectoryPort,
  LogPort,
  OutboxPort,
  Store,
  ViewPort,
} from '../../src/daemon/core/ports.js'
import type { STORE_CASES } from './store.suite.js'

/** Stores that break one promise each, made from a right one: every one of them must fail the case that is about its promise. */
export type Defect = {
  readonly name: string
  /** The case that must fail. */
  readonly port: keyof typeof STORE_CASES
  readonly caughtBy: string
  wrap(store: Store, clock: Clock): Store
}

/** All of the log, with some operations replaced. */
export function withLog(store: Store, change: (log: LogPort) => Partial<LogPort>): Store {
  const { log } = store
  const plain: LogPort = {
    append: (...args) => log.append(...args),
    head: id => log.head(id),
    cachedHead: id => log.cachedHead(id),
    read: (...args) => log.read(...args),
    readAt: seqs => log.readAt(seqs),
    tail: (...args) => log.tail(...args),
    cursor: () => log.cursor(),
    committedAtMs: () => log.committedAtMs(),
  }
  return { ...store, log: { ...plain, ...change(log) } }
}

/** The log, appending with other options. */
export function withOptions(store: Store, change: (options: AppendOptions) => AppendOptions): Store {
  return withLog(store, log => ({ append: (id, bodies, options = {}) => log.append(id, bodies, change(options)) }))
}

/** All of the directory, with some operations replaced. */
export function withDirectory(store: Store, change: (directory: DirectoryPort) => Partial<DirectoryPort>): Store {
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

/** All of the outbox, with some operations replaced. */
export function withOutbox(store: Store, change: (outbox: OutboxPort) => Partial<OutboxPort>): Store {
  const { outbox } = store
  const plain: OutboxPort = {
    work: (...args) => outbox.work(...args),
    resume: id => outbox.resume(id),
    retry: (...args) => outbox.retry(...args),
    drop: (...args) => outbox.drop(...args),
    rows: range => outbox.rows(range),
    totals: () => outbox.totals(),
  }
  return { ...store, outbox: { ...plain, ...change(outbox) } }
}

/** All of the view, with some operations replaced. */
export function withView(store: Store, change: (view: ViewPort) => Partial<ViewPort>): Store {
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

/** A value without one of its fields. */
export function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = value
  return rest
}
