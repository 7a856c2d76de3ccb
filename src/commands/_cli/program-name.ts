import { basename, relative } from 'node:path'
import { quoted } from './place.js'

/** How this program was called, to be called again: by its name when it is installed, through npx, else by its file. */
export function programName(): string {
  const program = process.argv[1] ?? ''
  if (basename(program) === 'kefu') return process.env.npm_command === 'exec' ? 'npx kefu' : 'kefu'
  const near = relative(process.cwd(), program)
  return `node ${quoted(near.startsWith('..') ? program : near)}`
}
