import { string as argument } from '@oclif/core/args'
import { custom } from '@oclif/core/flags'
import { parseDurationMs } from '../../../daemon/config/units.js'
import { CREDENTIAL_KEEP_MS } from '../../../daemon/control/credential-vocabulary.js'
import { KefuError } from '../../../errors.js'
import { suggestion } from '../../../nearest.js'
import { BaseCommand } from '../../_cli/base-command.js'
import { readHidden, readHiddenTwice } from '../../_cli/hidden-prompt.js'
import { givenSecret, type SecretSources } from '../../_cli/secret-input.js'

/** Whose credential it is. */
export const OWNER = argument({
  name: 'channel',
  required: true,
  ignoreStdin: true,
  description: 'name of the channel; hook/NAME or agent/NAME for what calls to a hook or bot are signed with',
})
/** Which credential it is. */
export const NAME = argument({
  required: true,
  ignoreStdin: true,
  description: 'name of the credential, such as app-secret',
})

/** How long a replaced value still counts. */
export const keepFlag = custom<number>({
  helpValue: '24h',
  parse: text => {
    const ms = parseDurationMs(text)
    if (ms !== undefined && ms <= CREDENTIAL_KEEP_MS) return Promise.resolve(ms)
    throw new KefuError('KEFU_USAGE', {
      reason: '--keep takes a duration with a unit, such as 12h, of at most 30 days',
    })
  },
})

type Given = Pick<SecretSources, 'stdin' | 'from-file' | 'from-command'>

/** What commands about credentials share. No word of the command line comes back in their errors: it may be a secret that was typed at the wrong place. */
export abstract class CredentialCommand extends BaseCommand {
  /** Throws `KEFU_USAGE` when there are more words than the command has arguments. With `strict`, oclif would, and repeat them. */
  protected refuseMore(words: readonly unknown[], count: number): void {
    if (words.length <= count) return
    const others = 'the list of processes and the history of the shell would keep it'
    throw new KefuError('KEFU_USAGE', {
      reason: `a value is not taken from the command line, as ${others}: leave it out to be asked for it, or use --stdin, --from-file or --from-command`,
    })
  }

  /** A secret from where the flags say, or asked for. Throws what `givenSecret` throws. */
  protected secret(what: string, given: Given, { isTwice = false } = {}): Promise<string> {
    const ask = this.mayAsk
      ? () => (isTwice ? readHiddenTwice : readHidden)(what, process.stdin, process.stderr)
      : undefined
    return givenSecret({ ...given, ask, what, complaints: this.jsonEnabled() ? 'ignore' : 'inherit' })
  }

  protected override catch(error: Error): Promise<void> {
    return super.catch(withoutWords(error, Object.keys(this.ctor.flags)))
  }
}

/** What oclif says of a command line, without what stood in it. */
function withoutWords(error: Error, flags: readonly string[]): Error {
  if (error instanceof KefuError || !('oclif' in error) || error.message.startsWith('Missing ')) return error
  const wrong = 'flags' in error && Array.isArray(error.flags) ? String(error.flags[0]) : undefined
  if (wrong !== undefined && error.message.includes('onexistent flag'))
    return usage(`there is no such flag${suggestion(wrong.replace(/^-+|=.*$/gs, ''), flags)}`)
  // Up to the last one: what comes before it was typed.
  const choice = /Expected (--[a-z-]+)=.* to be one of: ([a-z, -]+)/s.exec(error.message)
  if (choice !== null) return usage(`${choice[1]} is one of ${choice[2]}`)
  if (error.message.includes('cannot also be provided'))
    return usage('a value has one source: --stdin, --from-file or --from-command')
  return usage('the flags or their values are not right')
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}
