import type { ChildProcess } from 'node:child_process'
import type { Config } from '../../daemon/config/schema.js'
import { KefuError } from '../../errors.js'
import { readHidden, readHiddenTwice } from './hidden-prompt.js'

/** The passphrase of sealed credentials, from the person who starts a daemon: asked for by the daemon itself, or by the command that starts it in the background. */

/** Gives the passphrase; `isNew`: one is to be chosen. */
export type PassphraseSource = (isNew: boolean) => Promise<string>

/** Asks at the terminal. */
export const askForPassphrase: PassphraseSource = isNew =>
  isNew
    ? readHiddenTwice('A passphrase to seal credentials under', process.stdin, process.stderr)
    : readHidden('The passphrase of the credentials', process.stdin, process.stderr)

/** Whether a daemon with this configuration has to be told the passphrase by somebody. */
export function needsPassphrase({ vault }: Pick<Config, 'vault'>, environment: NodeJS.ProcessEnv): boolean {
  return vault.key === 'passphrase' && vault.passphraseFile === 'none' && !environment.CREDENTIALS_DIRECTORY
}

/** In a daemon in the background: asks the command that started it. */
export const askParent: PassphraseSource = isNew =>
  new Promise((resolve, reject) => {
    const refuse = () => reject(new KefuError('KEFU_ABORTED'))
    process.once('disconnect', refuse)
    process.once('message', message => {
      process.off('disconnect', refuse)
      process.disconnect()
      resolve(String(message))
    })
    process.send?.(isNew)
  })

/**
 * In that command: answers the daemon's one question, or lets it know that there is no answer. Resolves when it has been answered, when the daemon has ended
 * without asking, or when it has not asked within the time; throws what `ask` throws.
 */
export function answerChild(child: ChildProcess, ask: PassphraseSource, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const silence = setTimeout(() => child.disconnect(), timeoutMs)
    child.once('disconnect', () => {
      clearTimeout(silence)
      resolve()
    })
    child.once('message', isNew => {
      clearTimeout(silence)
      const refuse = (error: unknown): void => {
        reject(error)
        if (child.connected) child.disconnect()
      }
      ask(isNew === true).then(passphrase => child.send(passphrase), refuse)
    })
  })
}
