import type { SearchDoc } from '../../src/daemon/core/search.js'
import type { SearchIndex } from '../../src/daemon/search/index/search-index.js'

/** Adds records in batches, and waits until all that can be in segments is. */
export async function feed(index: SearchIndex, docs: readonly SearchDoc[], batch = 100): Promise<void> {
  for (let at = 0; at < docs.length; at += batch) {
    const some = docs.slice(at, at + batch)
    index.add(some, some[some.length - 1]!.seq)
    while (!index.hasRoom) await index.maintain(1)
  }
  while (await index.maintain(1));
}
