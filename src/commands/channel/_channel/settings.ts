import { string } from '@oclif/core/flags'
import { KefuError } from '../../../errors.js'

/** The flag that gives settings, of commands that take them. */
export const SET_FLAG = string({
  multiple: true,
  multipleNonGreedy: true,
  helpValue: 'NAME=VALUE',
  summary: 'a setting of its kind (kefu channel kinds lists them; may be given more than once)',
})

/** The settings that were given: by name, as text. Throws `KEFU_USAGE`. */
export function settingsOf(texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map(text => {
      const at = text.indexOf('=')
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
      throw new KefuError('KEFU_USAGE', { reason: '--set needs NAME=VALUE, such as --set app-id=wx0123456789abcdef' })
    }),
  )
}
