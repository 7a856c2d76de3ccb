import { KefuError } from '../../../errors.js'

/** The dead letters that were named; undefined for all. Throws `KEFU_USAGE` for none, for both, and for what is no number. */
export function givenSeqs(texts: readonly string[] | undefined, isAll: boolean | undefined): number[] | undefined {
  const given = texts ?? []
  // A flag that is not given has no value.
  if ((isAll ?? false) === given.length > 0) throw usage('name dead letters by their SEQ, or all with --all')
  if (isAll) return undefined
  return given.map(text => {
    if (!/^[1-9]\d{0,15}$/.test(text)) throw usage('the SEQ of a dead letter is a number, as kefu hook dead shows it')
    return Number(text)
  })
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
