import type { Command } from '../../../client/index.js'
import { parseDurationMs } from '../../../daemon/config/units.js'
import { misused, type SlashTable } from './slash.js'

/** What agents can type besides texts. */
export const AGENT_SLASHES = {
  list: { takes: '', summary: 'shows your conversations; /1 goes to one' },
  close: { takes: '', summary: 'ends the conversation' },
  transfer: {
    takes: 'NAME|team:NAME [note]',
    summary: 'sends it on to an agent or a team',
  },
  snooze: { takes: '10m', summary: 'puts it aside so long, or until a message' },
  wake: { takes: '', summary: 'ends that: its agent has it, or it waits' },
  accept: { takes: '1|ID', summary: 'takes a conversation that waits' },
  decline: { takes: '', summary: 'gives it back to its place in the line' },
  reopen: { takes: '1|ID', summary: 'begins one anew that you closed' },
  note: { takes: 'TEXT', summary: 'leaves a text for colleagues' },
  tags: { takes: '+a -b', summary: 'adds and removes tags' },
  canned: { takes: '[TEXT]', summary: 'shows the canned replies that fit' },
  r: { takes: 'SHORTCUT', summary: 'sends a canned reply' },
  contact: { takes: '', summary: 'shows who it is, and where else they write' },
  history: { takes: '1|ID', summary: 'shows the last of one that you may read' },
  search: { takes: 'WORDS', summary: 'shows what was said with these words' },
  link: { takes: '1|ID', summary: 'says that its contact is the same person' },
  unlink: { takes: '', summary: 'says that the contact is nobody else' },
  away: { takes: '', summary: 'gets you no new conversations' },
  online: { takes: '', summary: 'gets you new conversations again' },
  help: { takes: '', summary: 'shows this' },
  quit: { takes: '', summary: 'ends the chat' },
} as const satisfies SlashTable

/** The name of one of them. */
export type AgentSlash = keyof typeof AGENT_SLASHES

/** What visitors can type besides texts. */
export const VISITOR_SLASHES = {
  rate: { takes: '5 [text]', summary: 'tells from 1 to 5 how it was' },
  end: { takes: '', summary: 'ends the conversation; your next message begins it anew' },
  help: { takes: '', summary: 'shows this' },
  quit: { takes: '', summary: 'ends the chat, not the conversation' },
} as const satisfies SlashTable

/** What users of an emulated platform can type besides texts. */
export const EMULATED_SLASHES = {
  image: { takes: '', summary: 'sends a picture' },
  do: { takes: 'EVENT [NAME=VALUE …]', summary: 'does something: subscribe, or CLICK EventKey=help' },
  help: { takes: '', summary: 'shows this' },
  quit: { takes: '', summary: 'ends the chat' },
} as const satisfies SlashTable

/** The command that a line of an agent means, for those that are carried out by the server. Throws `KEFU_USAGE` for what a line lacks. */
export function agentCommand(name: AgentSlash, rest: string, nowMs: number): Command | undefined {
  switch (name) {
    case 'close':
    case 'wake':
    case 'accept':
    case 'decline':
    case 'reopen':
    case 'unlink':
      return { do: name }
    case 'transfer':
      return transfer(rest)
    case 'snooze': {
      const ms = parseDurationMs(rest)
      if (ms === undefined || ms === 0) throw misused(name, AGENT_SLASHES)
      return { do: 'snooze', until: nowMs + ms }
    }
    case 'note':
      if (rest === '') throw misused(name, AGENT_SLASHES)
      return { do: 'note', text: rest }
    case 'tags':
      return tags(rest)
    default:
      return undefined
  }
}

/** What `/rate` was given. Throws `KEFU_USAGE`. */
export function parseRating(rest: string): { readonly score: number; readonly comment: string | undefined } {
  const [, score, comment = ''] = /^([1-5])(?:\s+([\s\S]*))?$/.exec(rest) ?? []
  if (score === undefined) throw misused('rate', VISITOR_SLASHES)
  return { score: Number(score), comment: comment === '' ? undefined : comment }
}

function transfer(rest: string): Command {
  const [, to = '', note = ''] = /^(\S+)\s*([\s\S]*)$/.exec(rest) ?? []
  const team = to.startsWith('team:') ? to.slice('team:'.length) : undefined
  if (to === '' || team === '') throw misused('transfer', AGENT_SLASHES)
  const text = note === '' ? {} : { note }
  return team === undefined ? { do: 'transfer', agent: to, ...text } : { do: 'transfer', team, ...text }
}

function tags(rest: string): Command {
  const words = rest.split(/\s+/)
  if (!words.every(word => /^[+-]./u.test(word))) throw misused('tags', AGENT_SLASHES)
  const named = (sign: string): string[] => words.filter(word => word.startsWith(sign)).map(word => word.slice(1))
  const [addTags, removeTags] = [named('+'), named('-')]
  return {
    do: 'update',
    set: { ...(addTags.length > 0 && { addTags }), ...(removeTags.length > 0 && { removeTags }) },
  }
}
