import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { STORE_CASES } from '../conformance/store.suite.js'
import { DEFECTS } from '../conformance/wrong-store.js'
import { memorySubject } from './subjects.js'

/** The suite can fail: each seeded defect fails the case that is about it, which the store that it was made from passes. */
describe('store: seeded defects', { concurrency: 8 }, () => {
  for (const { name, port, caughtBy, wrap } of DEFECTS) {
    test(name, { timeout: 30_000 }, async () => {
      const found = STORE_CASES[port].find(each => each.name === caughtBy)
      assert.ok(found, `there is no case "${caughtBy}"`)
      const subject = await memorySubject()
      await found.run(subject)
      await subject.dispose()
      const wrong = await memorySubject()
      const outcome = await found.run({ ...wrong, store: wrap(wrong.store, wrong.clock) }).then(
        () => 'passed',
        () => 'failed',
      )
      await wrong.dispose()
      assert.equal(outcome, 'failed', `"${caughtBy}" did not notice`)
    })
  }
})
