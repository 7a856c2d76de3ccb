import { setTimeout as delay } from 'node:timers/promises'
import type { ControlClient, MetricsReading } from '../../daemon/control/client.js'
import { isKefuError, type KefuError } from '../../errors.js'
import type { Output } from '../_cli/output.js'
import { createScreen, type LiveScreen } from '../_cli/screen.js'
import { wordsOfDuration } from '../_cli/words.js'
import { momentEvent, momentOf } from './moment.js'
import { renderPanel } from './panel.js'
import { momentRow, ROW_HEADER } from './rows.js'

/** What is watched, where it is shown, and for how long. */
export type MetricsWatch = {
  readonly control: ControlClient
  /** What the first interval begins with. */
  readonly first: MetricsReading
  readonly output: Output
  readonly intervalMs: number
  /** Intervals to show; without a number, until the signal. */
  readonly count: number | undefined
  readonly signal: AbortSignal
}

/** Rows between two headers. */
const HEADER_EVERY = 20

/**
 * Shows a daemon's numbers interval by interval until the signal: drawn at a terminal, a row (with `--json` an event) each otherwise. A daemon that goes away is
 * waited for. Throws what a call throws where trying again is of no use.
 */
export async function watchMetrics(watch: MetricsWatch): Promise<void> {
  if (watch.output.mode === 'human') await drawMetrics(watch)
  else await tellMetrics(watch)
}

async function drawMetrics({ control, first, output, intervalMs, count, signal }: MetricsWatch): Promise<void> {
  const screen = createScreen({ input: process.stdin, output: process.stdout, signal })
  const hints = [`every ${wordsOfDuration(intervalMs)}`, 'q quits']
  let before = first
  let moment = momentOf(undefined, first, Date.now())
  let trouble: readonly string[] = []
  const render = (notes: readonly string[]): Promise<string> =>
    renderPanel(moment, notes, { ...output.terminal, width: screen.columns })
  const draw = async (): Promise<void> => screen.draw(await render([...hints, ...trouble]))
  let isShown = false
  try {
    await draw()
    for (let shown = 0; shown !== count; ) {
      await waitFor(screen, intervalMs, draw)
      if (screen.signal.aborted) return
      const next = await read(control)
      if (isKefuError(next)) trouble = [`${next.message}; trying again`]
      else {
        trouble = next.instance === before.instance ? [] : ['the daemon has been started again']
        moment = momentOf(before, next, Date.now())
        before = next
        shown++
      }
      await draw()
    }
    isShown = true
  } finally {
    screen.close()
    // What was asked for by number stays to be read.
    if (isShown) output.raw(await render([]))
  }
}

/** Waits as long as the person stays; draws again when the size changes. */
async function waitFor(screen: LiveScreen, ms: number, draw: () => Promise<void>): Promise<void> {
  const end = performance.now() + ms
  for (let left = ms; left > 0 && !screen.signal.aborted; left = end - performance.now()) {
    if (left < ms) await draw()
    await screen.pause(left)
  }
}

async function tellMetrics({ control, first, output, intervalMs, count, signal }: MetricsWatch): Promise<void> {
  let before = first
  let isAway = false
  for (let shown = 0; shown !== count; ) {
    await delay(intervalMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const next = await read(control)
    const atMs = Date.now()
    if (isKefuError(next)) {
      if (!isAway) output.note(`${next.message}; trying again`)
      output.event({ type: 'away', at: new Date(atMs).toISOString(), error: next.report() })
      isAway = true
      continue
    }
    if (next.instance !== before.instance) output.note('The daemon has been started again.')
    isAway = false
    const moment = momentOf(before, next, atMs)
    before = next
    output.event(momentEvent(moment))
    if (shown % HEADER_EVERY === 0) output.raw(`${ROW_HEADER}\n`)
    output.raw(`${momentRow(moment)}\n`)
    shown++
  }
}

/** A reading, or why there is none at this moment. */
async function read(control: ControlClient): Promise<MetricsReading | KefuError> {
  try {
    return await control.call('metrics.show', {})
  } catch (error) {
    if (isKefuError(error) && error.retryable) return error
    throw error
  }
}
