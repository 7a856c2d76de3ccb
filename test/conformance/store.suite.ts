import { describe, test } from 'node:test'
import { appendCases } from './store-append.cases.js'
import type { StoreCapabilities, StoreCase, StoreSubject } from './store-bench.js'
import { busCases } from './store-bus.cases.js'
import { dedupeCases } from './store-dedupe.cases.js'
import { directoryCases } from './store-directory.cases.js'
import { eraserCases } from './store-eraser.cases.js'
import { importCases } from './store-import.cases.js'
import { lifeCases } from './store-life.cases.js'
import { openingCases } from './store-opening.cases.js'
import { outboxCases } from './store-outbox.cases.js'
import { steeringCases } from './store-outbox-steering.cases.js'
import { unknownCases } from './store-outbox-unknown.cases.js'
import { readCases } from './store-read.cases.js'
import { viewCases } from './store-view.cases.js'

/** Every guarantee of the store's ports in `src/daemon/core/ports.ts`, by port. */
export const STORE_CASES = {
  append: [...openingCases, ...appendCases, ...importCases],
  dedupe: dedupeCases,
  eraser: eraserCases,
  read: readCases,
  directory: directoryCases,
  bus: busCases,
  outbox: [...outboxCases, ...unknownCases, ...steeringCases],
  view: viewCases,
  life: lifeCases,
} as const satisfies Record<string, readonly StoreCase[]>

/** Runs the suite over a kind of store; each case has a fresh one. A case is skipped only by a capability that carries its reason. */
export function storeSuite(
  name: string,
  factory: () => Promise<StoreSubject>,
  { capabilities }: { readonly capabilities: StoreCapabilities },
): void {
  for (const [port, cases] of Object.entries(STORE_CASES)) {
    describe(`store: ${name}: ${port}`, { concurrency: 4 }, () => {
      for (const { name: title, needs, run } of cases) {
        const capability = needs === undefined ? true : capabilities[needs]
        const skip = capability === true ? false : capability.reason
        test(title, { skip, timeout: 60_000 }, async () => {
          const subject = await factory()
          try {
            await run(subject)
          } finally {
            await subject.dispose()
          }
        })
      }
    })
  }
}
