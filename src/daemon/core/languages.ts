import { KefuError } from '../../errors.js'

/** The one spelling of a language tag. Throws `KEFU_USAGE` for a text that is none. */
export function languageTag(text: string): string {
  try {
    return Intl.getCanonicalLocales(text.slice(0, 60))[0] ?? ''
  } catch {
    throw new KefuError('KEFU_USAGE', { reason: `"${text.slice(0, 40)}" is not a language tag such as zh or en-GB` })
  }
}

/** The tags under which a text may be that fits one of these languages, the closest first: `zh-Hans-CN`, `zh-Hans`, `zh`; then those of the next. */
export function closestTags(languages: readonly (string | undefined)[]): string[] {
  return languages.flatMap(language => {
    const subtags = language?.split('-') ?? []
    return subtags.map((_, at) => subtags.slice(0, subtags.length - at).join('-'))
  })
}
