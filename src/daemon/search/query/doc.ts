import type { Part } from '../../../codec/wire.js'
import type { LogRecord } from '../../core/log-record.js'
import type { Head } from '../../core/model.js'
import type { RecordBody } from '../../core/records.js'
import { FACT_BIT, SEARCH_KINDS, type SearchDirection, type SearchDoc } from '../../core/search.js'

/** What of a conversation can be asked of its records only by looking at where it stands: `tag`, and `team` by id. */
export type Fact = 'tag' | 'team'

/** What a record says, without its place. */
type Said = Pick<SearchDoc, 'direction' | 'kinds' | 'agent' | 'text'>

type PartValue = string | number | boolean

/**
 * What of a record can be found; undefined when it has nothing to find. A record that gives its conversation tags or a team is a doc of the kind `FACT_BIT`: so
 * the conversations that ever had one are found, and among them are all that have it now.
 */
export function docOf(
  record: Pick<LogRecord, 'seq' | 'at' | 'conversation' | 'body'>,
  { channel }: Pick<Head, 'channel'>,
): SearchDoc | undefined {
  const said = saidIn(record.body)
  if (said === undefined) return undefined
  const { seq, at, conversation } = record
  const { direction, kinds, agent, text } = said
  return { seq, at, conversation, channel, direction, kinds, agent, text }
}

/** What the text of a record that gives its conversation this tag or team contains, as it is before folding: a line of its own. */
export function factText(fact: Fact, value: string): string {
  return `\n${fact}:${value}\n`
}

function saidIn(body: RecordBody): Said | undefined {
  switch (body.type) {
    case 'message':
      return said(body, wordsOf(body.parts), kindsOf(body.parts))
    case 'event':
      return said(body, eventWords(body.name, body.data), SEARCH_KINDS.event.bit)
    case 'note':
      return said(body, body.text, SEARCH_KINDS.note.bit, 'internal')
    case 'transferred':
      return body.note === undefined ? undefined : said(body, body.note, SEARCH_KINDS.note.bit, 'internal')
    case 'rated':
      return said(body, body.comment ?? '', SEARCH_KINDS.rating.bit)
    case 'opened':
    case 'queued':
      return facts([], body.team)
    case 'updated':
      return facts(body.addTags ?? [], body.team)
    default:
      return undefined
  }
}

function said(
  { by }: Pick<Extract<RecordBody, { by: unknown }>, 'by'>,
  text: string,
  kinds: number,
  direction: SearchDirection = by.role === 'contact' ? 'in' : 'out',
): Said {
  return { direction, kinds, agent: by.role === 'agent' ? (by.id ?? '') : '', text }
}

/** An empty team is one that is taken away. */
function facts(tags: readonly string[], team: string | undefined): Said | undefined {
  const lines = tags.map(tag => factText('tag', tag))
  if (team !== undefined && team !== '') lines.push(factText('team', team))
  if (lines.length === 0) return undefined
  return { direction: 'internal', kinds: FACT_BIT, agent: '', text: lines.join('') }
}

function kindsOf(parts: readonly Part[]): number {
  let kinds = 0
  for (const { type } of parts) kinds |= SEARCH_KINDS[type].bit
  return kinds
}

/** Nearly all messages are one text: it is taken as it is. */
function wordsOf(parts: readonly Part[]): string {
  const [first] = parts
  if (parts.length === 1 && first?.type === 'text') return first.text
  return parts
    .map(partWords)
    .filter(words => words !== '')
    .join('\n')
}

function partWords(part: Part): string {
  switch (part.type) {
    case 'text':
      return part.text
    case 'image':
    case 'audio':
    case 'video':
    case 'file':
      return part.name ?? ''
    case 'location':
      return part.label ?? ''
    case 'card':
      return lines([part.title, part.text, part.url])
    case 'choices':
      return lines([part.text, ...part.choices.map(({ label }) => label)])
    case 'event':
      return eventWords(part.name, part.data)
    default:
      return part satisfies never
  }
}

function eventWords(name: string, data: Readonly<Record<string, PartValue>> = {}): string {
  return lines([name, ...Object.values(data).map(String)])
}

function lines(texts: readonly (string | undefined)[]): string {
  return texts.filter(text => text !== undefined && text !== '').join('\n')
}
