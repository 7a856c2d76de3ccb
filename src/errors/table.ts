import { CHANNEL_ERRORS } from './channels.js'
import { CONVERSATION_ERRORS } from './conversation.js'
import { DAEMON_ERRORS } from './daemon.js'
import { HOOK_ERRORS } from './hooks.js'
import { NETWORK_ERRORS } from './network.js'
import { PROGRAM_ERRORS } from './program.js'
import type { ErrorRow } from './row.js'
import { SEARCH_ERRORS } from './search.js'
import { SETTINGS_ERRORS } from './settings.js'
import { STORE_ERRORS } from './store.js'
import { VAULT_ERRORS } from './vault.js'

/** A table with none of the codes of `Taken`: what does not compile below is a code that stands in two tables. */
type Without<Taken> = Readonly<Record<string, ErrorRow>> & { readonly [Code in keyof Taken]?: never }

type Daemon = typeof DAEMON_ERRORS
type Store = typeof STORE_ERRORS
type Network = typeof NETWORK_ERRORS
type Settings = typeof SETTINGS_ERRORS
type Vault = typeof VAULT_ERRORS
type Conversation = typeof CONVERSATION_ERRORS
type Channels = typeof CHANNEL_ERRORS
type Hooks = typeof HOOK_ERRORS
type Search = typeof SEARCH_ERRORS

/**
 * Every error, by its code: the one table of everything that can go wrong, joined from a table per domain. Daemon, client and CLI derive exit codes,
 * HTTP statuses, hints, `kefu errors` and docs from it. Codes are never renamed, renumbered or reused.
 */
export const ERRORS = {
  ...(PROGRAM_ERRORS satisfies Without<
    Daemon & Store & Network & Settings & Vault & Conversation & Channels & Hooks & Search
  >),
  ...(DAEMON_ERRORS satisfies Without<Store & Network & Settings & Vault & Conversation & Channels & Hooks & Search>),
  ...(STORE_ERRORS satisfies Without<Network & Settings & Vault & Conversation & Channels & Hooks & Search>),
  ...(NETWORK_ERRORS satisfies Without<Settings & Vault & Conversation & Channels & Hooks & Search>),
  ...(SETTINGS_ERRORS satisfies Without<Vault & Conversation & Channels & Hooks & Search>),
  ...(VAULT_ERRORS satisfies Without<Conversation & Channels & Hooks & Search>),
  ...(CONVERSATION_ERRORS satisfies Without<Channels & Hooks & Search>),
  ...(CHANNEL_ERRORS satisfies Without<Hooks & Search>),
  ...(HOOK_ERRORS satisfies Without<Search>),
  ...SEARCH_ERRORS,
} as const

/** A code of the table. */
export type ErrorCode = keyof typeof ERRORS
