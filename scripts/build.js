import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { install, main, root, run, runPackage } from './toolchain.js'

/**
 * Builds dist/ and oclif.manifest.json. Does nothing when neither the sources nor the results have changed since the last time.
 * `--force` builds in any case.
 */

/** Says from which inputs dist/ and the manifest were made. */
const STAMP = join(root, 'node_modules', '.cache', 'kefu', 'build')
const DIST = join(root, 'dist')
const MANIFEST = 'oclif.manifest.json'
const INPUTS = ['src', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts']

/** Brings dist/ and the manifest up to date. Rejects when a step fails; a failed build is never taken for a fresh one. */
export async function build({ force = false } = {}) {
  await install()
  const inputs = digest(INPUTS)
  if (!force && isFresh(inputs)) return
  console.error('Building …')
  rmSync(STAMP, { force: true })
  rmSync(DIST, { recursive: true, force: true })
  await step('tsc', runPackage('typescript/bin/tsc', ['-p', 'tsconfig.build.json']))
  await writeManifest()
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, `${inputs} ${digest([MANIFEST])}\n`)
}

/** The manifest is committed: one that did not fit the commands is told of, and fails where nobody would commit the new one. */
async function writeManifest() {
  const file = join(root, MANIFEST)
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  await step('scripts/manifest.js', run(process.execPath, [join(root, 'scripts', 'manifest.js')]))
  if (before === undefined || before === readFileSync(file, 'utf8')) return
  if (process.env.CI) throw new Error(`${MANIFEST} does not fit the commands: run npm run build, and commit it.`)
  console.log(`${MANIFEST} has changed: commit it, too.`)
}

async function step(name, running) {
  const code = await running
  if (code !== 0) throw new Error(`The build failed: ${name} ended with exit ${code}; its messages are above.`)
}

function isFresh(inputs) {
  if (![STAMP, DIST, join(root, MANIFEST)].every(existsSync)) return false
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
