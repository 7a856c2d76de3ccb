import type { Config } from '@oclif/core/interfaces'
import { KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'

/** A word that is no command, as a usage error with the nearest name: of a command, a topic, or one of `others`. */
export function unknownCommand(words: readonly string[], config: Config, others: readonly string[] = []): KefuError {
  const isCommand = (length: number): boolean => config.findCommand(words.slice(0, length).join(':')) !== undefined
  for (let length = words.length - 1; length > 0; length--) {
    if (isCommand(length))
      return new KefuError('KEFU_USAGE', {
        reason: `kefu ${words.slice(0, length).join(' ')} does not take "${words[length]!.slice(0, 80)}"`,
      })
  }
  const names = [...config.commandIDs, ...config.topics.map(topic => topic.name)].map(name => name.replaceAll(':', ' '))
  const known = [...names, ...others]
  const wanted = words.join(' ').slice(0, 80)
  const near = suggestion(
    wanted,
    known.filter(name => !wanted.startsWith(`${name} `)),
  )
  return new KefuError('KEFU_USAGE', {
    reason: `there is no command "${wanted}"${near || firstWord(words[0]!, known)}`,
  })
}

/** The command may be wrong from its first word on: `kefu agnt list`. */
function firstWord(word: string, known: readonly string[]): string {
  return known.includes(word)
    ? ''
    : suggestion(
        word,
        known.filter(name => !name.includes(' ')),
      )
}
