import { integer, string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import type { ListColumn, Output } from './output.js'

/** Flags of every list. */
export const LIST_FLAGS = {
  limit: integer({ min: 1, max: 1000, helpValue: 'N', summary: 'how many at most (100)' }),
  cursor: string({ helpValue: 'CURSOR', summary: 'go on after an earlier page' }),
  fields: string({ helpValue: 'A,B', summary: 'columns to show, in this order' }),
}

/** The columns that `--fields` names. Throws `KEFU_USAGE` with the nearest name. */
export function chosenColumns<T>(columns: readonly ListColumn<T>[], fields: string | undefined): ListColumn<T>[] {
  if (fields === undefined) return columns.filter(column => column.isExtra !== true)
  const keys = columns.map(column => column.key)
  return fields.split(',').map(field => {
    const found = columns.find(column => column.key === field.trim())
    if (found !== undefined) return asked(found)
    const near = suggestion(field, keys) || `; there are ${keys.join(', ')}`
    throw new KefuError('KEFU_USAGE', { reason: `there is no field "${field.slice(0, 40)}"${near}` })
  })
}

/** What was asked for by name is shown on any terminal. */
function asked<T>({ rank: _, ...column }: ListColumn<T>): ListColumn<T> {
  return column
}

/** Says how to get the next page, when there is one. */
export function noteNext(output: Output, next: string | undefined): void {
  if (next !== undefined) output.note(`more: --cursor ${next}`)
}
