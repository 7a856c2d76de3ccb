import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build } from './build.js'
import { exitCode, main, root } from './toolchain.js'

/**
 * `npm start`: installs and builds what is missing, then runs a daemon in the foreground whose data are in .kefu/ (or in KEFU_HOME), with a web channel and one agent
 * made on the first start. Further arguments go to `kefu daemon run`.
 */

const HOME = '.kefu'

/** The terminal and npm both pass on the same Ctrl-C; a person does not press it twice within this time. */
const SAME_PRESS_MS = 300
const PARENT_CHECK_MS = 1_000

await main(async () => {
  await build()
  const flags = process.argv.slice(2)
  const hasHome = process.env.KEFU_HOME || flags.some(flag => /^--home(=|$)/.test(flag))
  const home = hasHome ? [] : ['--home', HOME]
  const words = [join(root, 'bin', 'run.js'), 'daemon', 'run', '--quickstart', ...home, ...flags]
  const daemon = spawn(process.execPath, words, {
    cwd: root,
    stdio: 'inherit',
    // A process group of its own, so that it gets each signal once, from here: to the daemon a second one means "now".
    detached: true,
  })
  let lastAt = Number.NEGATIVE_INFINITY
  const stop = signal => {
    const now = performance.now()
    if (now - lastAt < SAME_PRESS_MS) return
    lastAt = now
    daemon.kill(signal)
  }
  process.on('SIGINT', () => stop('SIGINT'))
  process.on('SIGTERM', () => stop('SIGTERM'))
  // The terminal was closed.
  process.on('SIGHUP', () => stop('SIGTERM'))
  const watch = watchParent(() => stop('SIGTERM'))
  const code = await exitCode(daemon)
  clearInterval(watch)
  if (daemon.signalCode !== null)
    console.error(
      `The daemon was ended by ${daemon.signalCode}. npm start runs it again, with everything it acknowledged.`,
    )
  return code
})

/** npm's shell keeps a signal that npm passes on to it, and ends: then the daemon is to end as well. */
function watchParent(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    onGone()
    clearInterval(timer)
  }, PARENT_CHECK_MS)
  return timer
}
