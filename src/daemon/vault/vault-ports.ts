import type { RandomBytes } from '../core/ordered-id.js'
import type { Clock, DirectoryPort } from '../core/ports.js'
import type { MasterKeys } from './master-keys.js'

/** What a vault stands on. */
export type VaultPorts = {
  readonly directory: Pick<DirectoryPort, 'get' | 'list' | 'create' | 'update' | 'remove'>
  readonly clock: Clock
  readonly random: RandomBytes
  readonly keys: MasterKeys
  /** Told what went wrong where nobody waits for an answer. */
  report(error: unknown): void
}
