import { KefuError } from '../../../errors.js'
import { CHANNEL_KINDS, type ChannelKind, type LaneSettings, USUAL_LANE } from '../../core/model.js'

/** What limits of a lane may be. */
export const LANE_BOUNDS = {
  inLimit: { min: 1, max: 10_000 },
  inPerSecond: { min: 1, max: 100_000 },
  outConcurrency: { min: 1, max: 256 },
  outPerSecond: { min: 0.1, max: 10_000 },
} as const satisfies Partial<Record<keyof LaneSettings, { readonly min: number; readonly max: number }>>

/** What of a lane is otherwise than usual, after a change. Throws `KEFU_USAGE` for a kind without a lane, and for a number that is out of bounds. */
export function changedLane(
  kind: ChannelKind,
  before: Partial<LaneSettings> = {},
  change: Partial<LaneSettings>,
): Partial<LaneSettings> {
  if (CHANNEL_KINDS[kind].egress !== 'outbox')
    throw new KefuError('KEFU_USAGE', {
      reason: `a channel of kind ${kind} has no lane: its contacts connect themselves`,
    })
  for (const [name, { min, max }] of Object.entries(LANE_BOUNDS)) {
    const value = change[name as keyof typeof LANE_BOUNDS]
    if (value !== undefined && !(value >= min && value <= max))
      throw new KefuError('KEFU_USAGE', { reason: `${name} is a number from ${min} to ${max}` })
  }
  const all = { ...USUAL_LANE, ...before, ...change }
  const names = Object.keys(USUAL_LANE) as (keyof LaneSettings)[]
  return Object.fromEntries(names.filter(name => all[name] !== USUAL_LANE[name]).map(name => [name, all[name]]))
}
