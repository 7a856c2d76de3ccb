import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { install, main, root, run, runPackage } from './toolchain.js'

/**
 * Builds dist/ and oclif.manifest.json. Does nothing when neither the sources nor the results have changed since the last time.
 * `--force` builds in any case.
 */

const STAMP = join(root, 'dist', '.stamp')
const MANIFEST = 'oclif.manifest.json'
const INPUTS = ['src', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts']

/** Brings dist/ and the manifest up to date. Rejects when a step fails; a failed build is never taken for a fresh one. */
export async function build({ force = false } = {}) {
  await install()
  const inputs = digest(INPUTS)
  if (!force && isFresh(inputs)) return
  console.log('Building …')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  await step('tsc', runPackage('typescript/bin/tsc', ['-p', 'tsconfig.build.json']))
  await step('scripts/manifest.js', run(process.execPath, [join(root, 'scripts', 'manifest.js')]))
  writeFileSync(STAMP, `${inputs} ${digest([MANIFEST])}\n`)
}

async function step(name, running) {
  const code = await running
  if (code !== 0) throw new Error(`The build failed: ${name} ended with exit ${code}; its messages are above.`)
}

function isFresh(inputs) {
  if (!existsSync(STAMP) || !existsSync(join(root, MANIFEST))) return false
  return readFileSync(STAMP, 'utf8').trim() === `${inputs} ${digest([MANIFEST])}`
}

/** One hash over the names and bytes of files and of everything in folders. Contents, not times: a fresh clone has arbitrary times. */
function digest(paths) {
  const hash = createHash('sha256')
  for (const file of paths.flatMap(filesOf)) {
    const bytes = readFileSync(join(root, file))
    hash.update(`${file}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

function filesOf(path) {
  const absolute = join(root, path)
  if (!statSync(absolute).isDirectory()) return [path]
  return readdirSync(absolute)
    .sort()
    .flatMap(name => filesOf(join(path, name)))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(() => build({ force: process.argv.includes('--force') }))
}
