import { isConversationId } from '../../codec/conversation-id.js'
import type { AuditEnd, AuditFields, AuditValue } from '../core/audit.js'
import type { AnswerOf, OPERATIONS, Operation, ParsedRequestOf } from './operations.js'

/** What of an operation stands in the audit log. */
export type Told = { readonly target?: string; readonly fields?: AuditFields }

/** What is known of names before an operation has looked at them: they may be secrets at the wrong place. */
export type AuditNames = {
  /** The owner and name of a credential as they are written; as much of it as there is. */
  credential(owner: string, name: string): string | undefined
}

type Row<O extends Operation> = {
  /** Before it may change anything; undefined: it will not. Never anything of a request that is not named here. */
  readonly before: (request: ParsedRequestOf<O>, names: AuditNames) => Told | undefined
  /** Once it is done: of a stream, with its last event. An answer with `changed: false` is `unchanged` by itself. */
  readonly after?: (answer: AnswerOf<O>, request: ParsedRequestOf<O>) => Told & Partial<Pick<AuditEnd, 'outcome'>>
  /** It is not kept back by an audit log that cannot be written. */
  readonly isAlways?: true
}

type Mutating = { [O in Operation]: (typeof OPERATIONS)[O]['mutates'] extends true ? O : never }[Operation]

/** What is told of each operation that changes something, and of those that take something out. */
type Rows = { readonly [O in Mutating]: Row<O> } & { readonly [O in Exclude<Operation, Mutating>]?: Row<O> }

type Named = { readonly name: string }

const byName = ({ name }: Named): Told => ({ target: name })

/** The row of each operation: names, numbers and what was changed; never what somebody wrote, a secret, or a contact's name or id. */
export const AUDITED: Rows = {
  'daemon.stop': { before: ({ mode }) => told('daemon', { mode }), isAlways: true },
  'daemon.reload': {
    before: () => ({}),
    after: ({ applied, needsRestart }) => ({
      outcome: applied.length + needsRestart.length === 0 ? 'unchanged' : 'done',
      ...facts({
        applied: applied.map(({ key, from, to }) => `${key}: ${from} → ${to}`),
        needsRestart: needsRestart.map(({ key }) => key),
      }),
    }),
  },
  'store.reindex': { before: () => ({}) },
  'agent.add': { before: byName, after: ({ agent, changed }) => (changed ? lastToken(agent) : {}) },
  'agent.set': {
    before: ({ name, role, endpoint, ...change }) =>
      told(name, { changes: keysOf(change), role, endpoint: originOf(endpoint) }),
  },
  'agent.remove': { before: byName },
  'agent.token': {
    before: ({ name, replace }) => told(name, { replace }),
    after: ({ agent }) => lastToken(agent),
  },
  'channel.add': {
    before: ({ name, kind, team, origins }) => told(name, { kind, team, origins: someOf(origins) }),
    after: ({ channel, changed }, { settings }) => ({
      ...(changed ? facts({ settings: keysOf(settings), ...lastToken(channel).fields }) : {}),
    }),
  },
  'channel.set': {
    before: ({ name, team, bot, language, idle, origins, replies }) =>
      told(name, {
        ...{ team, bot, language, origins },
        replies: replies?.map(reply => [reply.occasion, reply.language].filter(Boolean).join(' ')),
        idle: idle === undefined ? undefined : idle === null ? null : keysOf(idle),
      }),
    after: (_, { settings }) => facts({ settings: keysOf(settings) }),
  },
  'channel.token': {
    before: ({ name, replace }) => told(name, { replace }),
    after: ({ channel }) => lastToken(channel),
  },
  'channel.remove': { before: byName },
  'channel.lane': { before: ({ name, change }) => (change === undefined ? undefined : told(name, { ...change })) },
  'channel.test': {
    before: ({ name, sendTo }) => told(name, { sends: sendTo !== undefined }),
    after: ({ ok }) => facts({ ok }),
  },
  'team.add': { before: ({ name, ...settings }) => told(name, teamFacts(settings)) },
  'team.set': { before: ({ name, ...settings }) => told(name, teamFacts(settings)) },
  'team.remove': { before: byName },
  'canned.add': { before: ({ name, team, texts }) => told(name, { team, languages: languagesOf(texts) }) },
  'canned.set': {
    before: ({ name, team, texts = [] }) =>
      told(name, {
        team,
        languages: someOf(languagesOf(texts.filter(({ text }) => text !== null))),
        removed: someOf(languagesOf(texts.filter(({ text }) => text === null))),
      }),
  },
  'canned.remove': { before: byName },
  'history.forget': {
    before: ({ ref }) => told(contactOf(ref)),
    after: ({ receipt: { conversation, ...counts } }) => ({ target: conversation, ...facts(counts) }),
  },
  'history.import': {
    before: ({ lines, channels, dryRun }) =>
      dryRun ? undefined : told(undefined, { lines: lines.length, channels: Object.values(channels) }),
    after: ({ imported, present, problems }) => ({
      outcome: imported === 0 ? 'unchanged' : 'done',
      ...facts({ imported, present, problems: problems.length }),
    }),
  },
  'history.export': {
    before: ({ channel, agent, types, since, until, conversation, contact }) =>
      told(conversation === undefined ? undefined : contactOf(conversation), {
        ...{ channel, agent, types, since, until },
        contact: contact === undefined ? undefined : '…',
      }),
    after: end => (end.type === 'end' ? facts({ records: end.records }) : {}),
  },
  'contact.set': { before: ({ ref, set }) => told(contactOf(ref), { changes: keysOf(set) }), after: ofContact },
  'contact.merge': {
    before: ({ refs }) => told(contactOf(refs[0]!), { with: refs.slice(1).map(contactOf) }),
    after: answer => ({
      ...ofContact(answer),
      fields: { person: answer.contact.conversations.map(({ conversation }) => conversation) },
    }),
  },
  'contact.split': { before: ({ ref }) => told(contactOf(ref)), after: ofContact },
  'credential.set': { before: ofCredential, after: credentialAfter },
  'credential.rotate': {
    before: (request, names) => ({ ...ofCredential(request, names), fields: { keepMs: request.keepMs } }),
    after: credentialAfter,
  },
  'credential.remove': {
    before: ofCredential,
    after: ({ owner, name }) => ({ target: `${owner} ${name}` }),
  },
  'credential.rekey': {
    before: ({ to }) => told('master key', { to }),
    after: ({ key, before, sealed }) => facts({ key: `${key.kind} ${key.id}`, before: before?.id, sealed }),
  },
  'queue.command': {
    before: ({ conversation, command }) =>
      told(conversation, {
        do: command.do,
        agent: 'agent' in command ? command.agent : undefined,
        team: 'team' in command ? command.team : undefined,
        with: 'with' in command ? command.with : undefined,
        changes: 'set' in command ? keysOf(command.set) : undefined,
      }),
  },
  'outbox.retry': {
    before: ({ messages, mayRepeat }) => told(undefined, { messages, mayRepeat }),
    after: outboxAfter,
  },
  'outbox.drop': { before: ({ messages }) => told(undefined, { messages }), after: outboxAfter },
  'hook.add': {
    before: ({ name, url, events, channels, secret }) =>
      told(name, { url: originOf(url), events, channels, secret: secret === undefined ? 'made' : 'given' }),
  },
  'hook.set': {
    before: ({ name, url, events, channels, enabled }) => told(name, { url: originOf(url), events, channels, enabled }),
  },
  'hook.remove': { before: byName },
  'hook.test': { before: byName, after: ({ ok }) => facts({ ok }) },
  'hook.resend': { before: ({ name, seq }) => told(name, { seq }), after: ({ ok }) => facts({ ok }) },
  'hook.forget': {
    before: ({ name, seqs }) => told(name, { seqs: seqs === undefined ? 'all' : seqs.map(String) }),
    after: ({ forgotten }) => facts({ forgotten }),
  },
}

type Facts = Readonly<Record<string, AuditValue | undefined>>

function told(target: string | undefined, fields: Facts = {}): Told {
  return { ...(target === undefined ? {} : { target }), ...facts(fields) }
}

/** What is undefined is left out; without facts there are no fields. */
function facts(fields: Facts): Pick<Told, 'fields'> {
  const present = Object.entries(fields).filter((entry): entry is [string, AuditValue] => entry[1] !== undefined)
  return present.length === 0 ? {} : { fields: Object.fromEntries(present) }
}

function keysOf(change: object | undefined): readonly string[] | undefined {
  return change === undefined ? undefined : someOf(Object.keys(change))
}

function someOf(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list
}

function languagesOf(texts: readonly { readonly language: string }[]): readonly string[] {
  return texts.map(({ language }) => language || 'any')
}

/** Its address without what may be a secret of it. */
function originOf(url: string | null | undefined): string | null | undefined {
  if (url === undefined || url === null) return url
  return URL.canParse(url) ? new URL(url).origin : undefined
}

/** The token that was made last: its beginning tells which one was used. */
function lastToken({ tokens }: { readonly tokens: readonly { readonly fingerprint: string }[] }): Pick<Told, 'fields'> {
  return facts({ token: tokens.at(-1)?.fingerprint })
}

function teamFacts({
  strategy,
  members,
  addMembers,
  removeMembers,
  overflow,
  ...others
}: Omit<ParsedRequestOf<'team.set'>, 'name'>): Facts {
  const to = overflow === null ? null : overflow?.team
  return { strategy, members, addMembers, removeMembers, overflow: to, changes: keysOf(others) }
}

/** A contact by its conversation; by its channel alone where its id is what a request has. */
function contactOf(ref: string): string {
  return isConversationId(ref) ? ref : `${ref.split('/', 1)[0]}/…`
}

function ofContact({ contact }: { readonly contact: { readonly conversation: string } }): Told {
  return { target: contact.conversation }
}

function ofCredential({ owner, name }: Named & { readonly owner: string }, names: AuditNames): Told {
  return told(names.credential(owner, name))
}

function credentialAfter({ credential }: AnswerOf<'credential.set'>): Told {
  return { target: `${credential.owner} ${credential.name}` }
}

function outboxAfter({ messages }: AnswerOf<'outbox.drop'>): Told & Pick<AuditEnd, 'outcome'> {
  const changed = messages.filter(message => message.changed).length
  return { outcome: changed === 0 ? 'unchanged' : 'done', ...facts({ changed }) }
}
