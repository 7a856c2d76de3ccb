import type { LoadOptions } from '@oclif/core/interfaces'
import { run } from '@oclif/core/run'
import { settings } from '@oclif/core/settings'
import { arrangeArguments } from './arguments.js'
import { reportFailure } from './failure.js'

/** Runs one command line of the package in a folder. Errors are written, and decide the exit code; the promise never rejects. */
export async function main(argv: readonly string[], source: LoadOptions): Promise<void> {
  const words = arrangeArguments(argv)
  // What is there is what runs, whatever NODE_ENV says.
  settings.enableAutoTranspile = false
  try {
    await run(words, source)
  } catch (error) {
    reportFailure(error, words)
  }
}
