#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'

const words = process.argv.slice(2)
const program = new URL('../dist/commands/_cli/main.js', import.meta.url)

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  // The same text as `kefu version`, without loading the command line for it.
  const { name, version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.write(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`)
} else if (existsSync(program)) {
  const { fileURLToPath } = await import('node:url')
  const { main } = await import(program.href)
  const root = fileURLToPath(new URL('..', import.meta.url))
  await main(words, { root, userPlugins: false, devPlugins: false })
} else {
  process.stderr.write('Error: kefu is not built yet.\nTry:   npm run build\n')
  process.exitCode = 1
}
