import type { AuditReader } from '../core/audit.js'
import type { Store } from '../core/ports.js'
import type { AnswerOf } from './operations.js'

/** What checking looks at. */
export type CheckPorts = { readonly store: Pick<Store, 'check'>; readonly audit: Pick<AuditReader, 'check'> }

type Progress = { readonly type: 'progress'; readonly done: number; readonly total: number }
type OnProgress = (done: number, total: number) => void

const PROGRESS_INTERVAL_MS = 200

/** Checks the store: the latest progress from time to time, then the result. A deep check looks at the audit log, too. */
export async function* checkStore(
  { store, audit }: CheckPorts,
  deep: boolean,
  signal: AbortSignal,
): AsyncIterable<AnswerOf<'store.check'>> {
  const result = yield* progressing(onProgress => store.check({ deep, signal, onProgress }))
  if (!deep) {
    yield { type: 'result', ...result }
    return
  }
  const { findings } = await audit.check({ signal })
  const added = findings.map(({ n, message }) => ({ kind: 'audit', n, message }))
  yield { type: 'result', ...result, findings: [...result.findings, ...added] }
}

/** Checks the audit log: the latest progress from time to time, then the result. */
export async function* checkAudit(
  audit: Pick<AuditReader, 'check'>,
  signal: AbortSignal,
): AsyncIterable<AnswerOf<'audit.check'>> {
  const result = yield* progressing(onProgress => audit.check({ signal, onProgress }))
  yield { type: 'result', ...result }
}

/** The latest progress, not every one: whoever reads slowly misses steps, never the result. */
async function* progressing<T>(run: (onProgress: OnProgress) => Promise<T>): AsyncGenerator<Progress, T, undefined> {
  let progress: { readonly done: number; readonly total: number } | undefined
  let isDone = false
  const check = run((done, total) => (progress = { done, total }))
  const end = check.then(
    () => (isDone = true),
    () => (isDone = true),
  )
  while (!isDone) {
    await Promise.race([end, pause(PROGRESS_INTERVAL_MS)])
    if (!isDone && progress !== undefined) yield { type: 'progress', ...progress }
    progress = undefined
  }
  return check
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref())
}
