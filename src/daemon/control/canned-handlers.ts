import type { CannedReply } from '../core/canned.js'
import type { CannedRegistry } from '../engine/registry/canned.js'
import type { TeamRegistry } from '../engine/registry/teams.js'
import type { CannedRowView, CannedView } from './canned-operations.js'
import type { ParsedRequestOf } from './operations.js'
import { pageOf } from './page.js'

/** What the operations on canned replies act on. */
export type CannedControlPorts = { readonly canned: CannedRegistry; readonly teams: TeamRegistry }

const PREVIEW_LENGTH = 120

/** The operations on canned replies. */
export function createCannedHandlers({ canned, teams }: CannedControlPorts) {
  const facts = ({ name, team, createdAt }: CannedReply) => {
    if (team === undefined) return { name, createdAt }
    const present = teams.byId(team)
    return present === undefined
      ? { name, team, teamRemoved: true as const, createdAt }
      : { name, team: present.name, createdAt }
  }
  const view = (reply: CannedReply): CannedView => ({ ...facts(reply), texts: reply.texts })
  const row = (reply: CannedReply): CannedRowView => {
    const [first = ''] = Object.values(reply.texts)
    const preview = [...first.slice(0, 2 * PREVIEW_LENGTH)].slice(0, PREVIEW_LENGTH).join('')
    return { ...facts(reply), languages: Object.keys(reply.texts), preview }
  }

  return {
    'canned.add': async ({ name, texts, team }: ParsedRequestOf<'canned.add'>) => {
      const { reply, changed } =
        team === undefined
          ? await canned.add(name, { texts })
          : await teams.keep(team, ({ id }) => canned.add(name, { texts, team: id }))
      return { reply: view(reply), changed }
    },
    'canned.set': async ({ name, team, ...change }: ParsedRequestOf<'canned.set'>) => {
      const { reply, changed } =
        typeof team === 'string'
          ? await teams.keep(team, ({ id }) => canned.set(name, { ...change, team: id }))
          : await canned.set(name, team === undefined ? change : { ...change, team })
      return { reply: view(reply), changed }
    },
    'canned.show': ({ name }: ParsedRequestOf<'canned.show'>) => ({ reply: view(canned.show(name)) }),
    'canned.list': ({ sort = 'name', ...range }: ParsedRequestOf<'canned.list'>) => {
      const key = ({ name, createdAt }: CannedReply) => [sort.endsWith('created') ? createdAt : name, name] as const
      const { items, ...rest } = pageOf(canned.list(), sort, key, range)
      return { replies: items.map(row), ...rest }
    },
    'canned.remove': async ({ name }: ParsedRequestOf<'canned.remove'>) => ({ reply: view(await canned.remove(name)) }),
  }
}
