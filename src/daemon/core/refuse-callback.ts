import { KefuError } from '../../errors.js'

/** Refuses a callback for a reason out of a few: throws `KEFU_CALLBACK_REFUSED`. */
export type RefuseCallback = (reason: string) => never

/** Throws one and the same error for the same reason: anybody may send as much as they like that is to be refused, and a stack costs more than all else that is done about it. */
export function createRefuseCallback(): RefuseCallback {
  const errors = new Map<string, KefuError>()
  return reason => {
    let error = errors.get(reason)
    if (error === undefined) {
      error = new KefuError('KEFU_CALLBACK_REFUSED', { reason })
      errors.set(reason, error)
    }
    throw error
  }
}
