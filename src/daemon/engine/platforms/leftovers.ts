import { isKefuError, toKefuError } from '../../../errors.js'
import { channelOwner } from '../../core/conversation.js'
import { pause } from '../../core/pause.js'
import type { Clock, OutboxPort, OutboxRow, OutboxState } from '../../core/ports.js'
import type { Connection } from './connection.js'
import type { DeliveryNews } from './delivery-news.js'

/** What taking up what was left stands on. */
export type LeftoverPorts = {
  readonly outbox: Pick<OutboxPort, 'resume' | 'retry' | 'rows'>
  readonly news: DeliveryNews
  readonly clock: Clock
  /** An error that no caller waits for. */
  report(error: unknown): void
}

/** One thing to do; whether all of it could be done. */
type Step = () => Promise<boolean>

const ROWS = 500
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 5 * 60_000

/**
 * Takes up what an earlier process left in a channel's outbox. What it was cut off at goes again where the platform recognises repeats; elsewhere agents are told
 * that nobody knows. What was parked is found out again. `begin` is called once, whatever fails; what failed is reported and tried again until the signal.
 * Never rejects.
 */
export async function takeUpLeftovers(
  ports: LeftoverPorts,
  connection: Connection,
  begin: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { outbox, news, clock } = ports
  const again = ({ conversation, n }: OutboxRow) => outbox.retry(conversation, n, { mayRepeat: true })
  const tell = async (row: OutboxRow): Promise<void> => {
    if ((await news.last(row)).state !== 'unknown') await news.tell(row, 'unknown', { reason: row.reason })
  }
  const { recognisesRepeats } = connection.capabilities
  const cutOff: Step = () => eachRow(ports, connection, 'unknown', recognisesRepeats ? again : tell, signal)
  // Their contact may have written just before the end.
  const parked: Step = () =>
    eachRow(ports, connection, 'parked', ({ conversation }) => outbox.resume(conversation), signal)
  // What goes again goes before what follows it. Nothing else is waited for: there may be much of it.
  const isRepeated = recognisesRepeats && (await cutOff())
  begin()
  let steps = isRepeated ? [parked] : [parked, cutOff]
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
    steps = await unfinished(steps)
    if (steps.length > 0) await pause(clock, retryMs, signal)
    if (steps.length === 0 || signal.aborted) return
  }
}

async function unfinished(steps: readonly Step[]): Promise<Step[]> {
  const left: Step[] = []
  for (const step of steps) if (!(await step())) left.push(step)
  return left
}

/**
 * Does it with every row of a state; one that it cannot be done with does not stand before the others. Whether it was done with all with which it can ever be; the
 * first failure is reported.
 */
async function eachRow(
  { outbox, report }: LeftoverPorts,
  { number }: Connection,
  state: OutboxState,
  act: (row: OutboxRow) => Promise<unknown>,
  signal: AbortSignal,
): Promise<boolean> {
  const failures: unknown[] = []
  const failed = (error: unknown): number => failures.push(error)
  try {
    let after: string | undefined
    do {
      const range = { lane: channelOwner(number), states: [state], limit: ROWS, ...(after !== undefined && { after }) }
      const page = await outbox.rows(range)
      for (const row of page.rows) if (!signal.aborted) await act(row).catch(failed)
      after = page.next
    } while (after !== undefined && !signal.aborted)
  } catch (error) {
    failed(error)
  }
  if (failures.length > 0 && !signal.aborted) report(failures[0])
  return !failures.some(mayPass)
}

function mayPass(error: unknown): boolean {
  return toKefuError(error).retryable || isKefuError(error, 'KEFU_INTERNAL')
}
