import { Worker } from 'node:worker_threads'
import type { FromThread, ThreadData, ToThread } from './protocol.js'

/** A thread that searches, seen from the main thread. */
export type SearchThread = {
  post(message: ToThread, transfer: readonly ArrayBuffer[]): void
  /** Ends it at once. */
  terminate(): Promise<unknown>
}

/** What is heard of a thread. Nothing follows `gone`. */
export type ThreadListener = {
  message(message: FromThread): void
  gone(reason: string): void
}

/** Starts a thread. */
export type StartThread = (data: ThreadData, listener: ThreadListener) => SearchThread

/** The index keeps its bytes outside of the heap; this is for what one search and one merge hold at once. */
const HEAP_MB = 256

/** Starts a worker thread. */
export const startWorker: StartThread = (data, listener) => {
  const file = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js'
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  })
  let reason = 'the thread ended'
  worker.on('error', error => {
    reason = error instanceof Error ? error.message : String(error)
  })
  worker.on('exit', () => listener.gone(reason))
  worker.on('message', (message: FromThread) => listener.message(message))
  return {
    post: (message, transfer) => worker.postMessage(message, [...transfer]),
    terminate: () => worker.terminate(),
  }
}
