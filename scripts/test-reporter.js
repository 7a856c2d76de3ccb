import { dirname, relative, resolve } from 'node:path'
import { inspect } from 'node:util'

/**
 * Reporter of `npm test`: one line per file as it ends, a failure in full where it happens; then what the failed files printed, the runner's closing
 * lines, and each failure once more in short: who has only the end of a log knows what failed.
 * Also ends a run in which a file does not come to its end: `--test-timeout` holds for whole files on Node 20, on later versions for single tests only.
 */

const FILE_TIMEOUT_MS = Number(process.env.KEFU_TEST_FILE_TIMEOUT_MS ?? 0)
const GRACE_MS = 30_000
const OUTPUT_LIMIT = 64 * 1024
const RECAP_LINES = 8

/** The runner's totals; they come last. */
const CLOSING = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/

/** The lines to print, from the runner's events. Only `test:complete` is used of a test's events: it comes at once, in every version. */
export default async function* report(events) {
  const files = new Map()
  const failures = []
  for await (const { type, data } of events) {
    if (type === 'test:dequeue' && isFile(data)) {
      const name = nameOf(data.file)
      files.set(name, begin(name))
    } else if (type === 'test:stdout' || type === 'test:stderr') {
      const file = files.get(nameOf(resolve(data.file)))
      if (file !== undefined && file.output.length < OUTPUT_LIMIT) file.output += data.message
    } else if (type === 'test:complete' && isFile(data)) {
      const file = files.get(nameOf(data.file)) ?? begin(nameOf(data.file))
      clearTimeout(file.watchdog)
      if (!data.details.passed) file.error = data.details.error
      yield `${data.details.passed ? '✔' : '✖'} ${file.name}  ${(data.details.duration_ms / 1000).toFixed(1)} s\n`
    } else if (type === 'test:complete' && isFailure(data)) {
      const name = nameOf(data.entryFile ?? data.file)
      const text = failure(name, data.name, data.details.error)
      failures.push({ name, text })
      yield text
    } else if (type === 'test:diagnostic' && CLOSING.test(data.message)) {
      for (const file of files.values())
        if (file.error !== undefined)
          yield aftermath(
            file,
            failures.some(({ name }) => isMeantBy(name, file.name)),
          )
      files.clear()
      yield `ℹ ${data.message}\n`
    }
  }
  for (const { text } of failures) yield recap(text)
}

function begin(name) {
  const limitMs = FILE_TIMEOUT_MS + GRACE_MS
  const watchdog = setTimeout(() => {
    process.stderr.write(`${name} did not end within ${limitMs / 1000} s: ending the run\n`)
    process.kill(process.pid, 'SIGTERM')
  }, limitMs)
  if (FILE_TIMEOUT_MS === 0) clearTimeout(watchdog)
  return { name, watchdog, output: '', error: undefined }
}

/** Whether an event is about a file as a whole. Its name is then the file's path. */
function isFile({ name, nesting, file }) {
  return nesting === 0 && file !== undefined && resolve(name) === file
}

/** Whether a test failed by itself, not because of the tests in it or because it is not finished yet. */
function isFailure({ details, todo }) {
  return !details.passed && todo === undefined && details.error.failureType !== 'subtestsFailed'
}

function failure(file, test, error) {
  const cause = error.cause ?? error
  return `\n✖ ${file}: ${test}\n${indent(cause instanceof Error ? inspect(cause) : String(cause))}\n\n`
}

/** The beginning of a failure: which test, and what was wrong. */
function recap(text) {
  const lines = text.trim().split('\n')
  return `\n${lines.slice(0, RECAP_LINES).join('\n')}\n`
}

/** What a failed file printed, and its own error where none of its tests explains it. */
function aftermath({ name, output, error }, isExplained) {
  const own = isExplained ? '' : failure(name, 'the file as a whole', error)
  return output === '' ? own : `${own}\n${name} printed:\n${indent(output.trimEnd())}\n\n`
}

/** The source of a test, as a path from the project's folder. Some events name the compiled file, others what its source map says. */
function nameOf(path) {
  return relative(process.cwd(), path)
    .replace(/^\.compiled.together.(.+)\.js$/, '$1/*')
    .replace(/^\.compiled./, '')
    .replace(/js$/, 'ts')
}

/** Whether a name is meant by that of a file, or of a folder whose files shared a process. */
function isMeantBy(name, file) {
  return name === file || (file.endsWith('/*') && dirname(name) === dirname(file))
}

function indent(text) {
  return text.replace(/^(?=.)/gm, '  ')
}
