import { KefuError } from '../../errors.js'

/** A language tag in the spelling of BCP 47 (`zh`, `pt-BR`). Throws `KEFU_USAGE` for a text that is none. */
export function languageTag(text: string): string {
  try {
    if (text.length <= 35) return Intl.getCanonicalLocales(text)[0] ?? text
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  const shown = text.slice(0, 40).replace(/\p{C}/gu, '\u{fffd}')
  throw new KefuError('KEFU_USAGE', { reason: `"${shown}" is not a language tag such as zh, en or pt-BR` })
}

/** The tags under which a text may be that fits one of these languages, the closest first: `zh-Hans-CN`, `zh-Hans`, `zh`; then those of the next. */
export function closestTags(languages: readonly (string | undefined)[]): string[] {
  return languages.flatMap(language => {
    const subtags = language?.split('-') ?? []
    return subtags.map((_, at) => subtags.slice(0, subtags.length - at).join('-'))
  })
}
