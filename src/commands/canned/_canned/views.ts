import { string as argument } from '@oclif/core/args'
import type { CannedRowView, CannedView } from '../../../daemon/control/client.js'
import type { Fact, ListColumn, Output } from '../../_cli/output.js'
import { instantText, wordsOfInstant } from '../../_cli/words.js'

/** The argument of commands about one canned reply. */
export const SHORTCUT = argument({ required: true, ignoreStdin: true, description: 'what agents type for it' })

/** Columns of `kefu canned list`. */
export const CANNED_COLUMNS: readonly ListColumn<CannedRowView>[] = [
  { key: 'shortcut', header: 'SHORTCUT', plain: reply => reply.name, isFlexible: true },
  {
    key: 'languages',
    header: 'LANGUAGES',
    plain: reply => languagesText(reply),
    human: reply => languagesText(reply) || '–',
    isFlexible: true,
  },
  {
    key: 'team',
    header: 'TEAM',
    plain: reply => reply.team ?? '',
    human: reply => (reply.teamRemoved ? 'removed' : (reply.team ?? '–')),
    isFlexible: true,
  },
  { key: 'text', header: 'TEXT', plain: reply => reply.preview, isFlexible: true },
  {
    key: 'created',
    header: 'CREATED',
    isExtra: true,
    plain: reply => instantText(reply.createdAt),
    human: reply => wordsOfInstant(reply.createdAt),
  },
]

/** A canned reply as named values. */
export function cannedFacts({ name, team, teamRemoved, texts, createdAt }: CannedView): Fact[] {
  return [
    ['shortcut', name],
    ...(team === undefined ? [] : ([['team', team, teamRemoved ? `${team} (removed)` : team]] satisfies Fact[])),
    ...Object.entries(texts).map(([tag, text]): Fact => [tag === '' ? 'text' : `text ${tag}`, text]),
    ['created', instantText(createdAt), wordsOfInstant(createdAt)],
  ]
}

/** Says of each reply whose team is no more that nobody is offered it. */
export function warnOfRemovedTeams(output: Output, replies: readonly { name: string; teamRemoved?: true }[]): void {
  const names = replies.filter(({ teamRemoved }) => teamRemoved).map(({ name }) => name)
  if (names.length > 0)
    output.warn(
      `nobody is offered ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''}: the team was removed ` +
        `(kefu canned set ${names[0]} --no-team, or --team TEAM)`,
    )
}

function languagesText({ languages }: CannedRowView): string {
  return languages.filter(tag => tag !== '').join(' ')
}
