import process from 'node:process'
import { fileURLToPath } from 'node:url'

/**
 * Runs one command line after the other in this process, for the process that forked it: `{words, env}` in, `{code, stdout, stderr}` out. What a
 * program of its own would be loaded for each time is loaded once. Ends with its parent.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const { main } = await import('../../dist/commands/_cli/main.js')

const SIGNALS = ['SIGINT', 'SIGTERM']
const written = { stdout: '', stderr: '' }
for (const name of ['stdout', 'stderr']) process[name].write = collect(name)

process.on('message', async ({ words, env }) => {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name]
  Object.assign(process.env, env)
  written.stdout = ''
  written.stderr = ''
  process.exitCode = undefined
  await main(words, { root, userPlugins: false, devPlugins: false })
  const code = process.exitCode ?? 0
  process.exitCode = undefined
  for (const signal of SIGNALS) process.removeAllListeners(signal)
  for (const name of ['stdout', 'stderr']) process[name].removeAllListeners('error')
  process.send({ code, ...written })
})
process.on('disconnect', () => process.exit())
process.send('ready')

/** In place of a stream's `write`: nothing here may reach the test runner's own output. */
function collect(name) {
  return (chunk, encoding, callback) => {
    written[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    const done = typeof encoding === 'function' ? encoding : callback
    if (done !== undefined) process.nextTick(done)
    return true
  }
}
