import type { AgentMeasuresView, MeasuresView, SimulationEventView } from '../../../daemon/control/client.js'
import type { ListColumn } from '../../_cli/output.js'
import { groupDigits, wordsOfDuration } from '../../_cli/words.js'

/** What a simulation came to: the result, and the rows of teams and agents. */
export type SimulationAnswer = {
  readonly result: Extract<SimulationEventView, { readonly type: 'result' }>
  readonly teams: readonly Extract<SimulationEventView, { readonly type: 'team' }>[]
  readonly agents: readonly Extract<SimulationEventView, { readonly type: 'agent' }>[]
}

/** One figure in each scenario. `what`: whose it is. */
export type FigureRow = {
  readonly what: string
  readonly measure: string
  readonly unit: Unit
  readonly recorded: number | undefined
  readonly replay: number | undefined
  readonly policy: number | undefined
}

type Unit = 'count' | 'duration' | 'share' | 'load'
type Figure<T> = { readonly name: string; readonly unit: Unit; of(measures: T): number | undefined }
type Compared<T> = { readonly recorded?: T; readonly replay?: T; readonly policy?: T }

const WAITS: readonly Figure<MeasuresView>[] = [
  { name: 'conversations', unit: 'count', of: measures => measures.conversations },
  { name: 'served', unit: 'count', of: measures => measures.served },
  { name: 'left unserved', unit: 'count', of: measures => measures.abandoned },
  { name: 'still waiting', unit: 'count', of: measures => measures.waiting },
  { name: 'mean wait', unit: 'duration', of: measures => measures.meanWaitMs },
  { name: 'median wait', unit: 'duration', of: measures => measures.p50WaitMs },
  { name: '90 % wait', unit: 'duration', of: measures => measures.p90WaitMs },
  { name: '99 % wait', unit: 'duration', of: measures => measures.p99WaitMs },
  { name: 'longest wait', unit: 'duration', of: measures => measures.maxWaitMs },
  {
    name: 'answered in time',
    unit: 'share',
    of: ({ promised, kept }) => (promised === 0 ? undefined : kept / promised),
  },
  { name: 'overflowed', unit: 'count', of: measures => measures.overflowed },
  { name: 'waited again', unit: 'count', of: measures => measures.requeued },
  { name: 'mean wait then', unit: 'duration', of: measures => measures.meanRequeuedWaitMs },
]

const TEAM = pick(WAITS, ['conversations', 'mean wait', '90 % wait', 'left unserved', 'answered in time', 'overflowed'])

const AGENT: readonly Figure<AgentMeasuresView>[] = [
  { name: 'mean load', unit: 'load', of: measures => measures.meanLoad },
  { name: 'peak load', unit: 'count', of: measures => measures.peakLoad },
  { name: 'busy', unit: 'share', of: measures => measures.busyShare },
  { name: 'full', unit: 'share', of: measures => measures.fullShare },
  { name: 'conversations', unit: 'count', of: measures => measures.served },
]

/** The figures of all conversations. */
export function totalFigures({ result }: SimulationAnswer): FigureRow[] {
  return figuresOf('all', result, WAITS)
}

/** The figures of teams: those first whose waits differ most. */
export function teamFigures({ teams }: SimulationAnswer): FigureRow[] {
  const sorted = [...teams].sort((a, b) => differenceOf(b, 'meanWaitMs') - differenceOf(a, 'meanWaitMs'))
  return sorted.flatMap(team => figuresOf(team.name === '' ? '(no team)' : team.name, team, TEAM))
}

/** The figures of agents who were there or would have been: those first whose loads differ most. */
export function agentFigures({ agents }: SimulationAnswer): FigureRow[] {
  const present = agents.filter(({ recorded, policy, replay }) =>
    [recorded, replay, policy].some(measures => measures !== undefined && measures.presentMs > 0),
  )
  present.sort((a, b) => differenceOf(b, 'meanLoad') - differenceOf(a, 'meanLoad'))
  return present.flatMap(agent => figuresOf(agent.name, agent, AGENT))
}

/** The columns of figures. Without a policy the change is what the model makes of what was recorded. */
export function figureColumns(what: string, hasPolicy: boolean): ListColumn<FigureRow>[] {
  const column = (key: 'recorded' | 'replay' | 'policy'): ListColumn<FigureRow> => ({
    key,
    header: key.toUpperCase(),
    align: 'right',
    plain: row => plainFigure(row[key]),
    human: row => humanFigure(row.unit, row[key]),
  })
  return [
    { key: 'what', header: what, plain: row => row.what },
    { key: 'measure', header: 'MEASURE', plain: row => row.measure },
    column('recorded'),
    column('replay'),
    ...(hasPolicy ? [column('policy')] : []),
    { key: 'change', header: 'CHANGE', align: 'right', plain: row => changeOf(row, hasPolicy) },
  ]
}

function pick<T>(figures: readonly Figure<T>[], names: readonly string[]): readonly Figure<T>[] {
  return names.flatMap(name => figures.filter(figure => figure.name === name))
}

function figuresOf<T>(
  what: string,
  { recorded, replay, policy }: Compared<T>,
  figures: readonly Figure<T>[],
): FigureRow[] {
  return figures
    .map(({ name, unit, of }) => ({
      what,
      measure: name,
      unit,
      recorded: recorded && of(recorded),
      replay: replay && of(replay),
      policy: policy && of(policy),
    }))
    .filter(row => [row.recorded, row.replay, row.policy].some(value => value !== undefined))
}

function differenceOf<K extends string>(
  { recorded, replay, policy }: Compared<{ readonly [field in K]: number }>,
  field: K,
): number {
  const [before, after] = policy === undefined ? [recorded, replay] : [replay, policy]
  return Math.abs((after?.[field] ?? 0) - (before?.[field] ?? 0))
}

function plainFigure(value: number | undefined): string {
  return value === undefined ? '' : String(Math.round(value * 10_000) / 10_000)
}

function humanFigure(unit: Unit, value: number | undefined): string {
  if (value === undefined) return '-'
  switch (unit) {
    case 'count':
      return groupDigits(value)
    case 'duration':
      return wordsOfDuration(value)
    case 'share':
      return `${(100 * value).toFixed(1)} %`
    case 'load':
      return value.toFixed(2)
  }
}

/** Of counts, times and loads as a part of what it was; of shares as the difference. */
function changeOf({ unit, recorded, replay, policy }: FigureRow, hasPolicy: boolean): string {
  const [before = 0, after = 0] = hasPolicy ? [replay, policy] : [recorded, replay]
  const signed = (value: number, words: string): string => (value > 0 ? `+${words}` : words)
  if (before === after) return '='
  if (unit === 'share') return signed(after - before, `${(100 * (after - before)).toFixed(1)} pp`)
  if (before === 0) return 'new'
  const percent = (100 * (after - before)) / before
  if (percent > 999) return `x${(after / before).toFixed(1)}`
  return signed(percent, `${percent.toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`)
}
