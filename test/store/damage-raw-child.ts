import { readFileSync } from 'node:fs'
import { askRaw } from './damage-harness.js'

/** Reads damaged stores with LevelDB alone, and says of each whether an answer is wrong without an error. A process of its own: LevelDB may end it. */

const [truthFile, ...paths] = process.argv.slice(2)
const truth = new Map<string, string>(JSON.parse(readFileSync(truthFile!, 'utf8')) as [string, string][])
for (const path of paths) {
  process.stdout.write(`${path}\n`)
  const answers = await askRaw(path)
  const isWrong = [...answers].some(([question, given]) => !given.startsWith('!') && given !== truth.get(question))
  process.stdout.write(isWrong ? 'wrong\n' : 'right\n')
}
