import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import type { RequestOf } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { given, isEmpty } from '../_cli/given.js'
import { TEAM_FLAGS, type TeamFlags, teamSettings } from '../_cli/team-flags.js'
import { teamFacts } from '../_cli/views.js'

const many = { multiple: true, multipleNonGreedy: true } as const

const SLA_FLAGS = ['first-response', 'next-response', 'first-response-of', 'next-response-of']
const HOURS_FLAGS = ['hours', 'time-zone', 'holiday', 'remove-holiday']

type Removals = {
  readonly 'no-member'?: boolean
  readonly 'add-member'?: string[] | undefined
  readonly 'remove-member'?: string[] | undefined
  readonly 'remove-holiday'?: string[] | undefined
  readonly 'no-hours'?: boolean
  readonly 'no-overflow'?: boolean
  readonly 'no-response'?: boolean
}

export default class TeamSet extends BaseCommand {
  static override summary = 'change the settings or members of a team'
  static override description =
    'What is not named stays. --member replaces all members; --add-member and --remove-member change some. --holiday adds days, or changes what is open on the ' +
    'same days. Conversations that wait are looked at again at once; those that an agent has stay with the agent.'
  static override examples = [
    '<%= config.bin %> team set refunds --add-member li --remove-member xiaowang',
    '<%= config.bin %> team set refunds --first-response 2m --first-response-of urgent=30s',
    '<%= config.bin %> team set day --holiday 2026-10-01..2026-10-07',
    '<%= config.bin %> team set refunds --no-overflow --no-hours',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the team' }) }
  static override flags = {
    ...TEAM_FLAGS,
    'no-member': boolean({ summary: 'nobody is of the team', exclusive: ['member'] }),
    'add-member': string({ ...many, helpValue: 'AGENT', summary: 'agent to add (may be given more than once)' }),
    'remove-member': string({
      ...many,
      helpValue: 'AGENT',
      summary: 'agent to take out of the team (may be given more than once)',
    }),
    'remove-holiday': string({
      ...many,
      helpValue: 'DATE',
      summary: 'first day of holidays to take away (may be given more than once)',
    }),
    'no-hours': boolean({ summary: 'always open, without holidays', exclusive: HOURS_FLAGS }),
    'no-overflow': boolean({
      summary: 'conversations stay in the line',
      exclusive: ['overflow-to', 'overflow-after'],
    }),
    'no-response': boolean({ summary: 'no promised times', exclusive: SLA_FLAGS }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(TeamSet)
    const change = changeOf(flags)
    if (isEmpty(change))
      throw new KefuError('KEFU_USAGE', { reason: 'there is nothing to change: give a flag (--help lists them)' })
    const control = await this.control()
    const answer = await control.call('team.set', { name: args.name, ...change })
    const { team, changed } = answer
    this.output.line(changed ? `Changed team ${team.name}.` : `Team ${team.name} is unchanged.`)
    this.output.facts([...teamFacts(team), ['result', changed ? 'changed' : 'unchanged']])
    this.output.note(`Next: kefu team show ${team.name}`)
    return answer
  }
}

function changeOf(flags: TeamFlags & Removals): Omit<RequestOf<'team.set'>, 'name'> {
  const settings = teamSettings(flags)
  const removed = flags['remove-holiday']
  const hours = removed === undefined ? settings.hours : { ...settings.hours, removeHolidays: removed }
  return given<Omit<RequestOf<'team.set'>, 'name'>>({
    ...settings,
    members: flags['no-member'] ? [] : settings.members,
    addMembers: flags['add-member'],
    removeMembers: flags['remove-member'],
    hours: flags['no-hours'] ? null : hours,
    overflow: flags['no-overflow'] ? null : settings.overflow,
    sla: flags['no-response'] ? null : settings.sla,
  })
}
