import { string as argument } from '@oclif/core/args'
import type { ContactConversationView, ContactView } from '../../../daemon/control/client.js'
import type { Fact, ListColumn, Output } from '../../_cli/output.js'
import { oneLine } from '../../_cli/terminal.js'
import { instantText, wordsOfInstant } from '../../_cli/words.js'

/** The argument of commands about one contact. */
export const REF = argument({
  required: true,
  ignoreStdin: true,
  description: "id of a conversation, or the channel's name, / and the contact's id there",
})

const COLUMNS: readonly ListColumn<ContactConversationView>[] = [
  { key: 'id', header: 'ID', plain: row => row.conversation },
  { key: 'channel', header: 'CHANNEL', plain: row => row.channel, isFlexible: true },
  { key: 'contact', header: 'CONTACT', plain: row => row.name ?? row.contact, isFlexible: true },
  { key: 'state', header: 'STATE', plain: row => row.state },
  { key: 'agent', header: 'WHO', plain: row => row.agent ?? '', human: row => row.agent ?? '–', isFlexible: true },
  { key: 'episodes', header: 'EPISODES', align: 'right', plain: row => String(row.episode) },
  {
    key: 'rating',
    header: 'RATING',
    align: 'right',
    plain: row => String(row.rating ?? ''),
    human: row => String(row.rating ?? '–'),
  },
  { key: 'at', header: 'LAST', plain: row => instantText(row.at), human: row => wordsOfInstant(row.at) },
]

/** Writes who a contact is, then a table of the person's conversations; scripts get a line `of the person` for each. */
export async function showContact(output: Output, contact: ContactView): Promise<void> {
  output.facts(contactFacts(contact))
  if (output.mode === 'human') {
    output.raw('\n')
    await output.list(COLUMNS, contact.conversations)
  }
  if (output.mode !== 'plain') return
  for (const row of contact.conversations) {
    const cells = COLUMNS.map(column => oneLine(column.plain(row)))
    output.raw(`of the person\t${cells.join('\t')}\n`)
  }
}

function contactFacts(contact: ContactView): Fact[] {
  const { conversation, channel, name, language, attributes, person } = contact
  const optional = (label: string, value: string | undefined): Fact[] => (value === undefined ? [] : [[label, value]])
  return [
    ['contact', `${channel}/${contact.contact}`],
    ['conversation', conversation],
    ...optional('name', name),
    ...optional('language', language),
    ...Object.entries(attributes).map(([key, value]): Fact => [`attribute ${key}`, value]),
    ...optional('person', person),
  ]
}
