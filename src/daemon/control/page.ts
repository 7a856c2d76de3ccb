import { KefuError } from '../../errors.js'

/** What an item is sorted by, and its name, which makes the order total. */
export type SortKey = readonly [value: string | number, name: string]

/** A page and the cursor of the next one, when there is one. */
export type Page<T> = { readonly items: readonly T[]; readonly next?: string }

/**
 * A page of a list in memory. The cursor carries the order and the last item's key, so that paging goes on at the right place whatever was added
 * or removed meanwhile. Throws `KEFU_USAGE` for a cursor of another list or order.
 */
export function pageOf<T>(
  items: readonly T[],
  sort: string,
  keyOf: (item: T) => SortKey,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Page<T> {
  const direction = sort.startsWith('-') ? -1 : 1
  const order = (a: SortKey, b: SortKey): number => direction * compareKeys(a, b)
  const after = cursor === undefined ? undefined : decodeCursor(cursor, sort)
  const first = firstOf(items, keyOf, order, after, limit + 1)
  const page = first.slice(0, limit)
  const last = page.at(-1)
  const result = page.map(({ item }) => item)
  return first.length > page.length && last !== undefined
    ? { items: result, next: encodeCursor(sort, last.key) }
    : { items: result }
}

/** The first `count` items behind a key, in order. A long list is not sorted for the sake of one page: what can no longer be among the first is left out. */
function firstOf<T>(
  items: readonly T[],
  keyOf: (item: T) => SortKey,
  order: (a: SortKey, b: SortKey) => number,
  after: SortKey | undefined,
  count: number,
): { readonly item: T; readonly key: SortKey }[] {
  const found: { readonly item: T; readonly key: SortKey }[] = []
  let end: SortKey | undefined
  const cut = (): void => {
    found.sort((a, b) => order(a.key, b.key))
    found.length = Math.min(found.length, count)
  }
  for (const item of items) {
    const key = keyOf(item)
    if (after !== undefined && order(key, after) <= 0) continue
    if (end !== undefined && order(key, end) >= 0) continue
    found.push({ item, key })
    if (found.length < 2 * count) continue
    cut()
    end = found.at(-1)!.key
  }
  cut()
  return found
}

function compareKeys(a: SortKey, b: SortKey): number {
  return compare(a[0], b[0]) || compare(a[1], b[1])
}

function compare(a: string | number, b: string | number): number {
  return a === b ? 0 : a < b ? -1 : 1
}

function encodeCursor(sort: string, key: SortKey): string {
  return Buffer.from(JSON.stringify([sort, ...key])).toString('base64url')
}

function decodeCursor(cursor: string, sort: string): SortKey {
  let fields: unknown
  try {
    fields = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch (error) {
    throw foreign(error)
  }
  if (!Array.isArray(fields) || fields.length !== 3) throw foreign()
  const [order, value, name] = fields as unknown[]
  if (order !== sort || typeof name !== 'string' || (typeof value !== 'string' && typeof value !== 'number'))
    throw foreign()
  return [value, name]
}

function foreign(cause?: unknown): KefuError {
  return new KefuError('KEFU_USAGE', { reason: 'the cursor is not one of this list in this order' }, { cause })
}
