import { readFileSync } from 'node:fs'
import { KefuError } from '../../errors.js'
import type { Setting } from './load.js'

/** Descriptors for the store's files, logs, the control socket, uploads and HTTP, beside the sockets of `limits.connections`. */
export const RESERVED_FILES = 768

/**
 * Of those, what no connection may take, whatever it is: what the store opens, and as many connections as the system may have queued (512) when the
 * listener is closed for the rest.
 */
const KEPT_FILES = 640

/** Open files from which on no connection is accepted; `undefined` where the system has no limit. */
export function descriptorLimit(fileLimit: number | undefined): number | undefined {
  return fileLimit === undefined ? undefined : Math.max(1, fileLimit - KEPT_FILES)
}

/** A daemon that has room for fewer sockets because of the open-file limit warns of it. */
export const FEW_CONNECTIONS = 1_000

const FEWEST_CONNECTIONS = 16

/** Files this process may have open; `undefined` where the system does not say. Node has raised the soft limit to the hard one already. */
export function openFileLimit(): number | undefined {
  let text: string
  try {
    text = readFileSync('/proc/self/limits', 'utf8')
  } catch {
    // Not Linux.
    return undefined
  }
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1]
  if (soft === undefined || soft === 'unlimited') return undefined
  return Number(soft)
}

/**
 * How many sockets fit under the open-file limit. The default of `limits.connections` shrinks to what fits; a number that somebody set must fit.
 * Throws `KEFU_LIMIT_FILES`, also when hardly any would fit.
 */
export function connectionLimit(setting: Setting, fileLimit: number | undefined): number {
  const wanted = Number(setting.value)
  if (fileLimit === undefined || wanted + RESERVED_FILES <= fileLimit) return wanted
  const fitting = fileLimit - RESERVED_FILES
  if (setting.origin.kind === 'default' && fitting >= FEWEST_CONNECTIONS) return fitting
  const needed = (setting.origin.kind === 'default' ? FEWEST_CONNECTIONS : wanted) + RESERVED_FILES
  throw new KefuError('KEFU_LIMIT_FILES', { limit: fileLimit, needed })
}
