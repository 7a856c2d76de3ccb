/** What a simulation of the queue tells. Plain data: durations in ms, shares from 0 to 1. */

/** How conversations fared, of a team or of all. */
export type Measures = {
  /** Which asked for an agent, those that waited already when the window began included. */
  readonly conversations: number
  /** Which got one; the waits are of these, from asking to the first agent. */
  readonly served: number
  /** Which ended without one. */
  readonly abandoned: number
  /** Which had none yet when the window ended. */
  readonly waiting: number
  readonly meanWaitMs: number
  readonly p50WaitMs: number
  readonly p90WaitMs: number
  readonly p99WaitMs: number
  readonly maxWaitMs: number
  /** Of those that were served: whose team promises a first answer within a time, and how many got it. */
  readonly promised: number
  readonly kept: number
  /** Times that one went from one team to another because it had waited. */
  readonly overflowed: number
  /** Later waits that ended with an agent: sent on, given back, taken up again, or lost with their agent. */
  readonly requeued: number
  readonly meanRequeuedWaitMs: number
}

/** How an agent fared, while online or away. */
export type AgentMeasures = {
  /** Conversations that the agent got. */
  readonly served: number
  readonly presentMs: number
  readonly meanLoad: number
  readonly peakLoad: number
  /** Of the time, with at least one conversation; with as many as the capacity allows, and how often it came to that. */
  readonly busyShare: number
  readonly fullShare: number
  readonly timesFull: number
}

/** One course of things: what was recorded, or what a simulation made of it. By id; '' is the team of what was sent to none. */
export type ScenarioMeasures = {
  readonly all: Measures
  readonly teams: Readonly<Record<string, Measures>>
  readonly agents: Readonly<Record<string, AgentMeasures>>
}

/** The courses that are compared: what was recorded, the same under the present settings, and under the policy. */
export const SCENARIOS = ['recorded', 'replay', 'policy'] as const

/** One of `SCENARIOS`. */
export type Scenario = (typeof SCENARIOS)[number]

/** What is asked for. Instants are epoch ms; `policy` is the policy file as JSON, not looked at yet. */
export type SimulationRequest = { readonly since: number; readonly until?: number; readonly policy?: unknown }

/** The measures of one team or agent in each scenario. */
export type Compared<T> = { readonly [S in Scenario]?: T }

/** What is told while it runs, and at last the result. */
export type SimulationEvent =
  | {
      readonly type: 'progress'
      readonly step: 'reading' | 'simulating'
      readonly done: number
      readonly total: number
    }
  | ({ readonly type: 'team'; readonly name: string } & Compared<Measures>)
  | ({ readonly type: 'agent'; readonly name: string } & Compared<AgentMeasures>)
  | ({
      readonly type: 'result'
      /** The time that was simulated: later than asked for when presence is not recorded before. */
      readonly since: number
      readonly until: number
      readonly isShortened: boolean
      /** Agents who had conversations then and are not among the agents now. */
      readonly formerAgents: number
    } & Compared<Measures>)

/** Runs simulations, one at a time. */
export type SimulationPort = {
  /**
   * Progress, then a row for each team and agent, then the result. Ends early when the signal aborts. Throws `KEFU_SIMULATION_RUNNING`, `KEFU_SIMULATION_NO_DATA`,
   * `KEFU_SIMULATION_TOO_LARGE`, `KEFU_POLICY_INVALID`, `KEFU_TEAM_NOT_FOUND`, `KEFU_AGENT_NOT_FOUND`, `KEFU_TEAM_CYCLE`, `KEFU_USAGE`, and what reading the store throws.
   */
  run(request: SimulationRequest, signal: AbortSignal): AsyncIterable<SimulationEvent>
}
