import type { CredentialView } from '../../../daemon/control/client.js'
import type { Fact, ListColumn } from '../../_cli/output.js'
import { instantText, wordsOfInstant } from '../../_cli/words.js'

/** Columns of `kefu credential list`. */
export const CREDENTIAL_COLUMNS: readonly ListColumn<CredentialView>[] = [
  { key: 'owner', header: 'OF', plain: ({ owner }) => owner, isFlexible: true },
  { key: 'name', header: 'NAME', plain: ({ name }) => name, isFlexible: true },
  { key: 'digest', header: 'DIGEST', plain: ({ digest }) => digest ?? '', human: ({ digest }) => digest ?? '–' },
  {
    key: 'set',
    header: 'SET',
    plain: ({ setAt }) => (setAt === undefined ? '' : instantText(setAt)),
    human: ({ setAt }) => (setAt === undefined ? '–' : wordsOfInstant(setAt)),
  },
  {
    key: 'previous',
    header: 'OLD ONE UNTIL',
    plain: ({ previousUntil }) => (previousUntil === undefined ? '' : instantText(previousUntil)),
    human: ({ previousUntil }) => (previousUntil === undefined ? '–' : wordsOfInstant(previousUntil)),
  },
  { key: 'state', header: 'STATE', plain: stateOf, isFlexible: true },
]

/** A credential as named values. */
export function credentialFacts(view: CredentialView): Fact[] {
  const { owner, name, digest, setAt, previousUntil } = view
  return [
    ['of', owner],
    ['name', name],
    ...(digest === undefined ? [] : ([['digest', digest]] satisfies Fact[])),
    ...(setAt === undefined ? [] : ([['set', instantText(setAt), wordsOfInstant(setAt)]] satisfies Fact[])),
    ...(previousUntil === undefined
      ? []
      : ([['old one until', instantText(previousUntil), wordsOfInstant(previousUntil)]] satisfies Fact[])),
  ]
}

function stateOf({ problem, staged }: CredentialView): string {
  if (problem !== undefined) return `unreadable: ${problem}`
  return staged === true ? 'rotating' : 'ok'
}
