import { string as argument } from '@oclif/core/args'
import { boolean, integer, option, string } from '@oclif/core/flags'
import type { RequestOf } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { given, isEmpty } from '../_cli/given.js'
import { KINDS } from '../_cli/kinds.js'
import type { Fact } from '../_cli/output.js'
import { oneOf, pairsOf, wholeNumber } from '../_cli/pairs.js'
import { keepSecret } from '../_cli/secret-file.js'
import { agentFacts } from '../_cli/views.js'

const many = { multiple: true, multipleNonGreedy: true } as const
export default class AgentSet extends BaseCommand {
  static override summary = 'change the skills, languages, capacity, role or endpoint of an agent'
  static override description =
    'What is not named stays. --skill adds a skill or changes its level (1 to 5); --language replaces all languages. The capacity is how many conversations ' +
    'the agent may have at once, --capacity-of how many of them of one kind of channel; without one routing.capacity of the configuration counts. ' +
    'A smaller capacity takes no conversation away. Teams are changed with kefu team set. A bot with an endpoint is called with what contacts write, and answers there (docs/hooks.md).'
  static override examples = [
    '<%= config.bin %> agent set xiaowang --skill refund=3 --language zh --language en',
    '<%= config.bin %> agent set xiaowang --capacity 8 --capacity-of web=5',
    '<%= config.bin %> agent set xiaowang --remove-skill refund --role supervisor',
    '<%= config.bin %> agent set helper --role bot --endpoint https://bot.example/kefu',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the agent' }) }
  static override flags = {
    skill: string({ ...many, helpValue: 'SKILL=LEVEL', summary: 'skill and its level (may be given more than once)' }),
    'remove-skill': string({
      ...many,
      helpValue: 'SKILL',
      summary: 'skill to take away (may be given more than once)',
    }),
    language: string({
      ...many,
      helpValue: 'TAG',
      summary: 'language the agent speaks, such as zh or pt-BR (may be given more than once)',
    }),
    'no-language': boolean({ summary: 'no languages', exclusive: ['language'] }),
    capacity: integer({ min: 1, max: 10_000, helpValue: 'N', summary: 'conversations at once' }),
    'capacity-of': string({
      ...many,
      helpValue: 'KIND=N',
      summary: 'of these, at most of one kind of channel (may be given more than once)',
    }),
    'remove-capacity-of': option({
      options: KINDS,
      ...many,
      helpValue: 'KIND',
      summary: 'no limit of its own for a kind of channel (may be given more than once)',
    })(),
    'no-capacity': boolean({
      summary: 'as the configuration says',
      exclusive: ['capacity', 'capacity-of', 'remove-capacity-of'],
    }),
    endpoint: string({
      helpValue: 'URL',
      summary: 'of a bot: call it there instead of waiting for it to connect; its secret is shown once',
    }),
    'no-endpoint': boolean({ summary: 'the bot connects by itself', exclusive: ['endpoint'] }),
    'secret-file': string({
      helpValue: 'FILE',
      dependsOn: ['endpoint'],
      summary: 'write the secret into a new file (0600) instead of showing it',
    }),
    role: option({
      options: ['agent', 'supervisor', 'bot'] as const,
      helpValue: 'ROLE',
      summary:
        'agent; supervisor, who may also look after the conversations of others; bot, a program that answers first',
    })(),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(AgentSet)
    const capacity = given<NonNullable<RequestOf<'agent.set'>['capacity']>>({
      total: flags.capacity,
      perKind: flags['capacity-of'] && pairsOf('capacity-of', flags['capacity-of'], oneOf(KINDS), wholeNumber, 'web=5'),
      removeKinds: flags['remove-capacity-of'],
    })
    const change = given<Omit<RequestOf<'agent.set'>, 'name'>>({
      role: flags.role,
      endpoint: flags['no-endpoint'] ? null : flags.endpoint,
      skills: flags.skill && skillsOf(flags.skill),
      removeSkills: flags['remove-skill'],
      languages: flags['no-language'] ? [] : flags.language,
      capacity: flags['no-capacity'] ? null : isEmpty(capacity) ? undefined : capacity,
    })
    if (isEmpty(change))
      throw new KefuError('KEFU_USAGE', { reason: 'there is nothing to change: give a flag (--help lists them)' })
    const control = await this.control()
    const {
      token: secret,
      tokenFile,
      ...answer
    } = await keepSecret(flags['secret-file'], async () => {
      const { secret: made, ...rest } = await control.call('agent.set', { name: args.name, ...change })
      return { ...rest, ...(made === undefined ? {} : { token: made }) }
    })
    const { agent, changed } = answer
    this.output.line(changed ? `Changed agent ${agent.name}.` : `Agent ${agent.name} is unchanged.`)
    const facts: Fact[] = [...agentFacts(agent), ['result', changed ? 'changed' : 'unchanged']]
    if (secret !== undefined) facts.push(['secret', secret, `${secret}  (shown once)`])
    if (tokenFile !== undefined) facts.push(['secret file', tokenFile])
    this.output.facts(facts)
    const unused = tokenFile === undefined ? flags['secret-file'] : undefined
    if (unused !== undefined) this.output.note(`No new secret, so ${unused} was not written.`)
    this.output.note(`Next: kefu agent show ${agent.name}`)
    return { ...answer, ...(secret === undefined ? {} : { secret }), ...(tokenFile === undefined ? {} : { tokenFile }) }
  }
}

function skillsOf(texts: readonly string[]): Record<string, number> {
  const pairs = pairsOf('skill', texts, text => text || undefined, wholeNumber, 'refund=3')
  return pairs as Record<string, number>
}
