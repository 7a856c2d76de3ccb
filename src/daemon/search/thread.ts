import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { basename } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { ThreadData } from './protocol.js'
import { serveSearch } from './thread-host.js'

/** Live traffic comes first where the machine has too little time for both. */
const NICENESS = 10

if (parentPort !== null) {
  if (process.platform === 'linux') makeWayForOthers()
  await serveSearch(parentPort, workerData as ThreadData)
}

/** On Linux a thread has a priority of its own, by the number under which `/proc` knows it. Where that is not to be had, it is a thread like the others. */
function makeWayForOthers(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICENESS)
  } catch {
    // A sandbox without /proc, or one that does not permit it.
  }
}
