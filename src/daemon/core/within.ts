import type { KefuError } from '../../errors.js'
import type { Clock } from './ports.js'

/** The outcome of `work`, or the error when it takes longer. The work itself goes on. */
export function within<T>(clock: Clock, timeoutMs: number, work: Promise<T>, late: () => KefuError): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeoutMs, () => reject(late()))
    work.then(
      value => {
        cancel()
        resolve(value)
      },
      error => {
        cancel()
        reject(error)
      },
    )
  })
}
