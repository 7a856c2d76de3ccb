import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  figureColumns,
  type SimulationAnswer,
  teamFigures,
  totalFigures,
} from '../../../src/commands/queue/_queue/simulation-views.js'
import type { MeasuresView } from '../../../src/daemon/control/client.js'

function measures(given: Partial<MeasuresView>): MeasuresView {
  return {
    conversations: 10,
    served: 10,
    abandoned: 0,
    waiting: 0,
    meanWaitMs: 0,
    p50WaitMs: 0,
    p90WaitMs: 0,
    p99WaitMs: 0,
    maxWaitMs: 0,
    promised: 0,
    kept: 0,
    overflowed: 0,
    requeued: 0,
    meanRequeuedWaitMs: 0,
    ...given,
  }
}

const scenarios = (recorded: number, replay: number, policy?: number) => ({
  recorded: measures({ meanWaitMs: recorded, promised: 10, kept: 5 }),
  replay: measures({ meanWaitMs: replay, promised: 10, kept: 4 }),
  ...(policy === undefined ? {} : { policy: measures({ meanWaitMs: policy, promised: 10, kept: 9 }) }),
})

function answer(policy?: number): SimulationAnswer {
  return {
    result: {
      type: 'result',
      since: 0,
      until: 1,
      isShortened: false,
      formerAgents: 0,
      ...scenarios(100_000, 90_000, policy),
    },
    teams: [
      { type: 'team', name: 'steady', ...scenarios(10_000, 10_000, policy && 10_000) },
      { type: 'team', name: '', ...scenarios(10_000, 20_000, policy && 80_000) },
    ],
    agents: [],
  }
}

function rowOf(name: string, given: SimulationAnswer, hasPolicy: boolean): string[] {
  const row = totalFigures(given).find(({ measure }) => measure === name)!
  return figureColumns('', hasPolicy).map(column => (column.human ?? column.plain)(row))
}

describe('the figures of a simulation', () => {
  test('compare the policy with the replay', () => {
    assert.deepEqual(rowOf('mean wait', answer(45_000), true), ['all', 'mean wait', '1m 40s', '1m 30s', '45s', '-50 %'])
    assert.deepEqual(rowOf('answered in time', answer(45_000), true).slice(2), [
      '50.0 %',
      '40.0 %',
      '90.0 %',
      '+50.0 pp',
    ])
    assert.deepEqual(rowOf('served', answer(45_000), true).at(-1), '=')
  })

  test('show the error of the model when there is no policy', () => {
    assert.deepEqual(rowOf('mean wait', answer(), false), ['all', 'mean wait', '1m 40s', '1m 30s', '-10 %'])
  })

  test('have those first that differ most', () => {
    assert.deepEqual([...new Set(teamFigures(answer(1)).map(({ what }) => what))], ['(no team)', 'steady'])
  })

  test('are plain numbers for scripts, and nothing where there is no promise', () => {
    const row = totalFigures(answer(45_000)).find(({ measure }) => measure === 'answered in time')!
    assert.deepEqual(
      figureColumns('', true).map(column => column.plain(row)),
      ['all', 'answered in time', '0.5', '0.4', '0.9', '+50.0 pp'],
    )
    const { result, ...rest } = answer()
    const without = { ...rest, result: { ...result, recorded: measures({}), replay: measures({}) } }
    assert.equal(
      totalFigures(without).some(({ measure }) => measure === 'answered in time'),
      false,
    )
  })
})
