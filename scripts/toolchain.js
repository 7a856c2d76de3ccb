import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the scripts share: where the project is, whether this Node will do, and running programs. Node builtins only: nothing is installed yet. */

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Ends the process with one sentence when this Node is older than package.json asks for. */
export function requireNode() {
  const wanted = readJson('package.json').engines.node.replace('>=', '')
  const [major, minor] = wanted.split('.').map(Number)
  const [haveMajor, haveMinor] = process.versions.node.split('.').map(Number)
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return
  console.error(`kefu needs Node ${wanted} or newer; this is Node ${process.versions.node} (${process.execPath}).`)
  console.error('Install a newer one from https://nodejs.org and run the command again.')
  process.exit(1)
}

/** Installs the dependencies exactly as locked, unless they are there. Rejects when npm fails. */
export async function install() {
  if (isInstalled()) return
  console.error('Installing dependencies (npm ci) …')
  const code = await npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  if (code !== 0) throw new Error(`npm ci failed (exit ${code}); its messages are above`)
}

/** Whether node_modules holds every package of package-lock.json in its locked version. Packages of other platforms may be absent. */
function isInstalled() {
  const locked = readJson('package-lock.json').packages
  let installed
  try {
    installed = readJson('node_modules/.package-lock.json').packages
  } catch {
    return false
  }
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true
    const found = installed[path]
    return found === undefined ? entry.optional === true : found.version === entry.version
  })
}

/** Runs npm in the project's folder, the one that started this script where there is one. Resolves to its exit code. */
export function npm(args) {
  const cli = process.env.npm_execpath ?? ''
  if (basename(cli) === 'npm-cli.js') return run(process.execPath, [cli, ...args])
  return run('npm', args, { shell: process.platform === 'win32' })
}

/** Runs a package's program with this Node. Resolves to its exit code. */
export function runPackage(path, args) {
  return run(process.execPath, [join(root, 'node_modules', path), ...args])
}

/** Runs a program in the project's folder on our own stdio and resolves to its exit code (128 + n after a signal, as a shell has it). */
export function run(program, args, options = {}) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', ...options })
  return exitCode(child)
}

/** The exit code of a child once it ended; rejects when it could not be started. */
export function exitCode(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0)))
  })
}

/** A JSON file of the project. */
export function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}

/** Runs a script's main function: its number is the exit code, what it throws is one line. */
export async function main(script) {
  requireNode()
  try {
    process.exitCode = (await script()) ?? 0
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }
