import { z } from 'zod'

/** What the control socket takes and tells of simulations. Durations in ms, instants in epoch ms, shares from 0 to 1. */

const instant = z.int().min(0).max(8_640_000_000_000)
const count = z.int().min(0)
const duration = z.number().min(0)
const share = z.number().min(0)

const measures = z
  .object({
    conversations: count,
    served: count,
    abandoned: count,
    waiting: count,
    meanWaitMs: duration,
    p50WaitMs: duration,
    p90WaitMs: duration,
    p99WaitMs: duration,
    maxWaitMs: duration,
    promised: count,
    kept: count,
    overflowed: count,
    requeued: count,
    meanRequeuedWaitMs: duration,
  })
  .readonly()

const agentMeasures = z
  .object({
    served: count,
    presentMs: duration,
    meanLoad: share,
    peakLoad: count,
    busyShare: share,
    fullShare: share,
    timesFull: count,
  })
  .readonly()

function compared<T extends z.ZodType>(value: T) {
  return { recorded: value.exactOptional(), replay: value.exactOptional(), policy: value.exactOptional() }
}

/** A simulation: of which time, and under which policy (the file as JSON). */
export const simulationRequest = z.strictObject({
  since: instant,
  until: instant.exactOptional(),
  policy: z.unknown().optional(),
})

/** Events of a simulation: progress, a row for each team and agent, then one result. The team '' is that of what was sent to none. */
export const simulationEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('progress'),
    step: z.enum(['reading', 'simulating']),
    done: count,
    total: count,
  }),
  z.object({ type: z.literal('team'), name: z.string(), ...compared(measures) }),
  z.object({ type: z.literal('agent'), name: z.string(), ...compared(agentMeasures) }),
  z.object({
    type: z.literal('result'),
    since: instant,
    until: instant,
    isShortened: z.boolean(),
    formerAgents: count,
    ...compared(measures),
  }),
])

/** How conversations fared. */
export type MeasuresView = z.infer<typeof measures>
/** How an agent fared. */
export type AgentMeasuresView = z.infer<typeof agentMeasures>
/** An event of a simulation. */
export type SimulationEventView = z.infer<typeof simulationEvent>
