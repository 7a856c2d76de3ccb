import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pageOf, type SortKey } from '../../src/daemon/control/page.js'

type Item = { readonly name: string; readonly value: number }

const keyOf = ({ name, value }: Item): SortKey => [value, name]

test('pages put together are the whole list in order, for any list, page size and order', () => {
  const items = fc.uniqueArray(
    fc.record({ name: fc.string({ maxLength: 3 }), value: fc.integer({ min: 0, max: 3 }) }),
    {
      selector: item => item.name,
      maxLength: 30,
    },
  )
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 7 }), fc.constantFrom('value', '-value'), (list, limit, sort) => {
      const found: Item[] = []
      let cursor: string | undefined
      do {
        const page = pageOf(list, sort, keyOf, { limit, cursor })
        assert.ok(page.items.length <= limit)
        assert.ok(page.next === undefined || page.items.length === limit)
        found.push(...page.items)
        cursor = page.next
      } while (cursor !== undefined)
      const sorted = [...list].sort((a, b) => a.value - b.value || (a.name < b.name ? -1 : 1))
      assert.deepEqual(found, sort === 'value' ? sorted : sorted.reverse())
    }),
  )
})
