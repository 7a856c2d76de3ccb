import type { KefuError } from '../../../errors.js'
import type { Clock } from '../../core/ports.js'
import type { StoreLimits } from '../options.js'
import type { Commit } from './commit.js'
import type { Database } from './database.js'
import type { Digests } from './digests.js'
import type { ConversationLoader } from './loader.js'
import type { PlatformKeys } from './platform-keys.js'

/** What a writer needs. */
export type WriterPorts = {
  readonly database: Database
  readonly loader: ConversationLoader
  readonly digests: Digests
  readonly platformKeys: PlatformKeys
  readonly clock: Clock
  readonly limits: StoreLimits
  /** A commit is about to be written: the last moment to put something. */
  readonly onSeal: (commit: Commit) => void
  /** A commit is on disk; called before its appends are answered. */
  readonly onCommit: (commit: Commit) => void
  /** A commit failed: everything under way was refused, and so is what follows until `resume`. */
  readonly onFailure: (error: KefuError) => void
}
