import { boolean, option, string } from '@oclif/core/flags'
import type { RequestOf } from '../../../daemon/control/client.js'
import { SEARCH_WORDS } from '../../../daemon/control/search-vocabulary.js'
import { given } from '../../_cli/given.js'
import { SINCE, UNTIL } from './filters.js'

const several = { multiple: true, multipleNonGreedy: true } as const

/** Flags that say which part of the history is meant. */
export const SOUGHT_FLAGS = {
  channel: string({ ...several, helpValue: 'NAME', summary: 'only on this channel; may be repeated' }),
  contact: string({
    helpValue: 'CONTACT',
    summary: 'only with this person: CHANNEL/CONTACT, or the id of the contact',
  }),
  agent: string({ ...several, helpValue: 'NAME', summary: 'only what this agent wrote; may be repeated' }),
  team: string({ helpValue: 'NAME', summary: 'only in conversations that are with this team now' }),
  conversation: string({ ...several, helpValue: 'ID', summary: 'only in this conversation; may be repeated' }),
  kind: option({
    options: SEARCH_WORDS.kinds,
    ...several,
    helpValue: 'KIND',
    summary: `only what contains this: ${SEARCH_WORDS.kinds.join(', ')}; may be repeated`,
  })(),
  tag: string({
    ...several,
    helpValue: 'TAG',
    summary: 'only in conversations that have this tag now; may be repeated',
  }),
  direction: option({
    options: SEARCH_WORDS.directions,
    ...several,
    helpValue: 'WAY',
    summary: 'only in (of contacts), out (to contacts) or internal',
  })(),
  'has-media': boolean({ allowNo: true, summary: 'only with a picture, voice, film or file; --no-has-media: without' }),
  since: SINCE,
  until: UNTIL,
}

type Given = {
  readonly channel: string[] | undefined
  readonly contact: string | undefined
  readonly agent: string[] | undefined
  readonly team: string | undefined
  readonly conversation: string[] | undefined
  readonly kind: (typeof SEARCH_WORDS.kinds)[number][] | undefined
  readonly tag: string[] | undefined
  readonly direction: (typeof SEARCH_WORDS.directions)[number][] | undefined
  readonly 'has-media': boolean | undefined
  readonly since: number | undefined
  readonly until: number | undefined
}

/** What is looked for, as the daemon takes it. */
export function soughtOf(words: readonly string[], flags: Given): RequestOf<'history.count'> {
  const { channel, contact, agent, team, conversation, kind, tag, direction, since, until } = flags
  return given<RequestOf<'history.count'>>({
    words: words.join(' '),
    channels: channel,
    agents: agent,
    tags: tag,
    conversations: conversation,
    kinds: kind,
    directions: direction,
    hasMedia: flags['has-media'],
    ...{ contact, team, since, until },
  })
}
