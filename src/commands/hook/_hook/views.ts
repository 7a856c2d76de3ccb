import { string as argument } from '@oclif/core/args'
import type { DeadLetterView, HookView } from '../../../daemon/control/client.js'
import { HOOK_STOPS } from '../../../daemon/control/hook-vocabulary.js'
import type { Fact, ListColumn } from '../../_cli/output.js'
import { groupDigits, instantText, wordsOfInstant } from '../../_cli/words.js'

/** The argument of commands about one hook. */
export const HOOK = argument({ required: true, ignoreStdin: true, description: 'name of the hook' })

/** Columns of `kefu hook list`. */
export const HOOK_COLUMNS: readonly ListColumn<HookView>[] = [
  { key: 'name', header: 'NAME', plain: hook => hook.name, isFlexible: true },
  { key: 'state', header: 'STATE', plain: hook => hook.state },
  {
    key: 'lag',
    header: 'BEHIND',
    align: 'right',
    plain: hook => String(hook.lag),
    human: hook => groupDigits(hook.lag),
  },
  {
    key: 'dead',
    header: 'DEAD',
    align: 'right',
    plain: hook => String(hook.dead),
    human: hook => groupDigits(hook.dead),
  },
  { key: 'events', header: 'EVENTS', plain: hook => listOf(hook.events), isFlexible: true },
  { key: 'channels', header: 'CHANNELS', isExtra: true, plain: hook => listOf(hook.channels), isFlexible: true },
  { key: 'url', header: 'URL', plain: hook => hook.url, isFlexible: true },
  {
    key: 'error',
    header: 'LAST ERROR',
    plain: hook => hook.lastError?.reason ?? '',
    human: hook => hook.lastError?.reason ?? '–',
    isFlexible: true,
  },
  { key: 'delivered', header: 'DELIVERED', align: 'right', isExtra: true, plain: hook => String(hook.delivered) },
  { key: 'failed', header: 'FAILED', align: 'right', isExtra: true, plain: hook => String(hook.failed) },
  { key: 'created', header: 'CREATED', isExtra: true, plain: hook => instantText(hook.createdAt) },
]

/** Columns of `kefu hook dead`. */
export const DEAD_COLUMNS: readonly ListColumn<DeadLetterView>[] = [
  { key: 'seq', header: 'SEQ', align: 'right', plain: letter => String(letter.seq) },
  { key: 'type', header: 'TYPE', plain: letter => letter.type },
  { key: 'conversation', header: 'CONVERSATION', plain: letter => letter.conversation },
  { key: 'n', header: 'N', align: 'right', plain: letter => String(letter.n) },
  { key: 'attempts', header: 'TRIED', align: 'right', plain: letter => String(letter.attempts) },
  {
    key: 'at',
    header: 'GIVEN UP',
    plain: letter => instantText(letter.at),
    human: letter => wordsOfInstant(letter.at),
  },
  { key: 'reason', header: 'REASON', plain: letter => letter.reason, isFlexible: true },
]

/** A hook as named values. */
export function hookFacts(hook: HookView): Fact[] {
  const { stopped, lastError, deliveredAt } = hook
  return [
    ['hook', hook.name],
    ['id', hook.id],
    ['url', hook.url],
    ['events', listOf(hook.events)],
    ['channels', listOf(hook.channels)],
    ['state', hook.state, stopped === undefined ? hook.state : `stopped: ${HOOK_STOPS[stopped.why]}`],
    ['behind', String(hook.lag), groupDigits(hook.lag)],
    ['dead letters', String(hook.dead), groupDigits(hook.dead)],
    ['delivered', String(hook.delivered), groupDigits(hook.delivered)],
    ['failed', String(hook.failed), groupDigits(hook.failed)],
    ...(deliveredAt === undefined ? [] : [instantFact('last delivered', deliveredAt)]),
    ...(lastError === undefined ? [] : [['last error', lastError.reason] satisfies Fact]),
    ...(lastError === undefined ? [] : [instantFact('last error at', lastError.at)]),
    instantFact('created', hook.createdAt),
  ]
}

/** What to do about a hook that does not deliver; undefined when there is nothing to do. */
export function adviceOn({ name, stopped, state }: HookView): string | undefined {
  if (stopped?.why === 'dead-letters') return `Next: kefu hook dead ${name}, then kefu hook set ${name} --enable`
  if (stopped !== undefined) return `Next: kefu hook set ${name} --enable`
  if (state === 'unreadable') return 'Next: kefu store check --deep'
  return state === 'down' || state === 'retrying' ? `Next: kefu hook test ${name}` : undefined
}

function instantFact(name: string, atMs: number): Fact {
  return [name, instantText(atMs), wordsOfInstant(atMs)]
}

function listOf(names: readonly string[] | undefined): string {
  return names === undefined ? 'all' : names.join(' ')
}
