import { string } from '@oclif/core/flags'
import type { ControlClient } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { instantOf } from '../_cli/instant.js'
import type { Output } from '../_cli/output.js'
import { createProgress } from '../_cli/progress.js'
import { wordsOfCount, wordsOfInstant } from '../_cli/words.js'
import { readPolicyFile } from './_queue/policy-file.js'
import {
  agentFigures,
  type FigureRow,
  figureColumns,
  type SimulationAnswer,
  teamFigures,
  totalFigures,
} from './_queue/simulation-views.js'

/** Rows of teams and of agents that a terminal shows. */
const SHOWN = 30

export default class QueueSimulate extends BaseCommand {
  static override summary = 'replay what happened under another policy, and compare'
  static override description =
    'Takes the arrivals, the presence of agents and the times that conversations took as they were recorded, and lets the routing decide again: once under the present ' +
    'settings (replay; how far that is from what was recorded shows the error of the model), and once under the policy of a file. Waits are from asking for an ' +
    'agent to the first one. Nothing is changed, and the daemon goes on serving. The file is JSON with routing, presence, teams and agents, in the words of kefu ' +
    'config, kefu team set and kefu agent set; an agent who does not exist is like one who does.'
  static override examples = [
    '<%= config.bin %> queue simulate',
    '<%= config.bin %> queue simulate --since 14d --policy more-hands.json',
    '<%= config.bin %> queue simulate --since 2026-11-16 --until 2026-11-17 --policy -',
    '<%= config.bin %> queue simulate --policy more-hands.json --json | jq .policy.p90WaitMs',
  ]
  static override flags = {
    since: string({
      default: '7d',
      helpValue: 'TIME',
      summary: 'from when: so long ago, or an instant such as 2026-11-16T08:00:00Z',
    }),
    until: string({ helpValue: 'TIME', summary: 'until when; now without it' }),
    policy: string({ helpValue: 'FILE', summary: 'the policy as JSON; - reads it from standard input' }),
  }
  static override exitCodes = [
    ...COMMON_EXIT_CODES,
    ...DAEMON_EXIT_CODES,
    11 as const,
    13 as const,
    14 as const,
    16 as const,
    130 as const,
  ]

  async run(): Promise<object> {
    const { flags } = await this.parse(QueueSimulate)
    const now = Date.now()
    const since = instantOf('since', flags.since, now)
    const until = flags.until === undefined ? undefined : instantOf('until', flags.until, now)
    if (since >= (until ?? now)) throw new KefuError('KEFU_USAGE', { reason: 'the time ends before it begins' })
    const policy = flags.policy === undefined ? {} : { policy: await readPolicyFile(flags.policy) }
    const control = await this.control({ signal: this.interrupt })
    const request = { since, ...(until === undefined ? {} : { until }), ...policy }
    const answer = await simulate(control, request, this.output)
    await this.#show(answer, flags.policy !== undefined)
    const { result, teams, agents } = answer
    const { type: _, ...totals } = result
    return { ...totals, teams: teams.map(withoutType), agents: agents.map(withoutType) }
  }

  async #show(answer: SimulationAnswer, hasPolicy: boolean): Promise<void> {
    const { since, until, isShortened, formerAgents } = answer.result
    this.output.line(`From ${wordsOfInstant(since)} until ${wordsOfInstant(until)}`)
    await this.#list('', totalFigures(answer), hasPolicy)
    await this.#list('TEAM', teamFigures(answer), hasPolicy)
    await this.#list('AGENT', agentFigures(answer), hasPolicy)
    if (isShortened)
      this.output.warn(`presence is recorded from ${wordsOfInstant(since)} on: what was before is left out`)
    if (formerAgents > 0)
      this.output.warn(
        `${wordsOfCount(formerAgents, 'agent')} of that time ${formerAgents === 1 ? 'is' : 'are'} gone: what they had is in what was recorded, and given to others in the replay`,
      )
    if (!hasPolicy) this.output.note('Next: kefu queue simulate --policy FILE, with what would be different')
  }

  async #list(what: string, figures: readonly FigureRow[], hasPolicy: boolean): Promise<void> {
    const columns = figureColumns(what, hasPolicy)
    if (this.output.mode !== 'human') return this.output.list(columns, figures)
    const telling = figures.filter(({ recorded, replay, policy }) => recorded || replay || policy)
    this.output.line('')
    await this.output.list(what === '' ? columns.slice(1) : columns, telling.slice(0, SHOWN))
    if (telling.length > SHOWN) this.output.note('… and more, with smaller differences: --plain and --json show all')
  }
}

async function simulate(
  control: ControlClient,
  request: { readonly since: number; readonly until?: number; readonly policy?: unknown },
  output: Output,
): Promise<SimulationAnswer> {
  let step = 'reading'
  let progress = createProgress(output, 'record')
  const teams: SimulationAnswer['teams'][number][] = []
  const agents: SimulationAnswer['agents'][number][] = []
  try {
    for await (const event of control.stream('queue.simulate', request)) {
      if (event.type === 'progress') {
        if (event.step !== step) {
          progress.end()
          step = event.step
          progress = createProgress(output, 'conversation')
        }
        progress.update(event.done, event.total)
      } else if (event.type === 'team') teams.push(event)
      else if (event.type === 'agent') agents.push(event)
      else return { result: event, teams, agents }
    }
  } finally {
    progress.end()
  }
  throw new KefuError('KEFU_DISCONNECTED', { reason: 'the simulation ended without a result' })
}

function withoutType<T extends { readonly type: string }>({ type: _, ...rest }: T): Omit<T, 'type'> {
  return rest
}
