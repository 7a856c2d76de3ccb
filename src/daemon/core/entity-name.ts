import { KefuError } from '../../errors.js'

/** What names of agents, channels, teams and skills are made of, in words. */
export const ENTITY_NAME_RULE =
  'a name of 1 to 64 letters, digits, dots, dashes or underscores that starts with a letter or digit'

const ENTITY_NAME = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]{0,63}$/u

/** The one spelling (NFC) of a name. Throws `KEFU_USAGE` for a text that is no name. */
export function entityName(text: string): string {
  const name = text.normalize('NFC')
  if (!ENTITY_NAME.test(name))
    throw new KefuError('KEFU_USAGE', { reason: `"${printable(text)}" is not ${ENTITY_NAME_RULE}` })
  return name
}

function printable(text: string): string {
  return text.slice(0, 80).replace(/\p{C}/gu, '\u{fffd}')
}
