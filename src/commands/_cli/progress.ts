import type { Output } from './output.js'
import { groupDigits, wordsOfCount, wordsOfDuration } from './words.js'

/** How far long work has got, on stderr: one line that is redrawn at a terminal, a line every few seconds otherwise. */
export type Progress = {
  readonly update: (done: number, total: number) => void
  /** Clears the line. */
  end(): void
}

const LINE_INTERVAL_MS = 5_000
const REDRAW_INTERVAL_MS = 200

/** Progress of work on so many things. Writes nothing with `-q` and `--json`. */
export function createProgress(output: Output, noun: string): Progress {
  const isDrawn = process.stderr.isTTY && output.mode !== 'json'
  const started = performance.now()
  let shownAt = started
  let isShown = false
  return {
    update(done, total) {
      const now = performance.now()
      if (now - shownAt < (isDrawn ? REDRAW_INTERVAL_MS : LINE_INTERVAL_MS)) return
      shownAt = now
      const perSecond = Math.round((done * 1000) / (now - started))
      const left = done > 0 ? ` · ${wordsOfDuration(((total - done) * (now - started)) / done)} left` : ''
      const text = `${groupDigits(done)} of ${wordsOfCount(total, noun)} · ${groupDigits(perSecond)}/s${left}`
      if (isDrawn) process.stderr.write(`\r\u001b[K${text}`)
      else output.note(text)
      isShown = isDrawn
    },
    end() {
      if (isShown) process.stderr.write('\r\u001b[K')
    },
  }
}
