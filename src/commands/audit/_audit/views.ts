import type { AuditEntryView } from '../../../daemon/control/client.js'
import type { ListColumn } from '../../_cli/output.js'
import { oneLine } from '../../_cli/terminal.js'
import { instantText, wordsOfInstant } from '../../_cli/words.js'

type Fact = NonNullable<AuditEntryView['fields']>[string]

/** Columns of `kefu audit list`. */
export const AUDIT_COLUMNS: readonly ListColumn<AuditEntryView>[] = [
  { key: 'n', header: 'N', align: 'right', plain: ({ n }) => String(n), isExtra: true },
  { key: 'at', header: 'WHEN', plain: ({ at }) => instantText(at), human: ({ at }) => wordsOfInstant(at) },
  { key: 'by', header: 'BY', plain: byText, isFlexible: true },
  { key: 'action', header: 'ACTION', plain: ({ action }) => action },
  { key: 'target', header: 'TARGET', plain: ({ target }) => target ?? '', isFlexible: true },
  { key: 'outcome', header: 'OUTCOME', plain: ({ outcome }) => outcome },
  { key: 'details', header: 'DETAILS', plain: detailsText, isFlexible: true, rank: 1 },
]

/** An entry on one line, for a list that goes on. */
export function auditLine(entry: AuditEntryView): string {
  const { at, action, target, outcome } = entry
  const words = [wordsOfInstant(at), byText(entry), action, target, outcome, detailsText(entry)]
  return oneLine(words.filter(Boolean).join('  '))
}

/** Who did it, in a word. */
function byText({ by }: AuditEntryView): string {
  const { kind, user, uid, sudoUser, name, id, address } = by
  switch (kind) {
    case 'operator': {
      const known = user ?? (uid === undefined ? kind : `uid ${uid}`)
      return sudoUser === undefined ? known : `${sudoUser} as ${known}`
    }
    case 'agent':
      return `agent ${name ?? id ?? ''}`
    case 'address':
      return address ?? kind
    case 'daemon':
      return 'kefu'
  }
}

function detailsText({ code, fields = {} }: AuditEntryView): string {
  const facts = Object.entries(fields).map(([key, fact]) => `${key}: ${factText(fact)}`)
  return [...(code === undefined ? [] : [code]), ...facts].join(', ')
}

function factText(fact: Fact): string {
  if (fact === null) return 'none'
  return typeof fact === 'object' ? fact.join('; ') : String(fact)
}
