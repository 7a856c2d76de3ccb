import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './build.js'
import { COMPILED, compile } from './compile.js'
import { node24Binary } from './node24.js'
import { exitCode, main, root, runPackage } from './toolchain.js'

/**
 * `npm test`: installs and builds what is missing, lints and checks the types, runs the tests. Ends at the first stage that fails, with its exit code.
 *
 *   npm test                        everything that must pass before a commit
 *   npm test -- store test/codec    only test files whose path contains one of these words; no lint
 *   npm run test:long               also the *.long.ts files, and KEFU_TEST_LONG=1 for the others
 *   npm run test:node24             the tests on Node 24; no lint
 *
 * The tests run from what the compiler writes as it checks the types (`.compiled/`): compiling them again in each of their processes takes more time.
 * For the same reason the files of some folders share a process: loading what they test is most of what they cost.
 */

/** Folders whose files share a process: they must leave everything outside of themselves as they found it. */
const TOGETHER = [
  'test/channels',
  'test/client',
  'test/control',
  'test/emulator',
  'test/http',
  'test/unit/config',
  'test/unit/core',
  'test/unit/engine',
  'test/unit/hooks',
  'test/unit/observe',
  'test/unit/platform',
  'test/unit/search/query',
  'test/unit/settings',
  'test/unit/simulation',
  'test/unit/vault',
]
const TOGETHER_FOLDER = join(root, COMPILED, 'together')

const FILE_TIMEOUT_MS = 900_000
const LONG_FILE_TIMEOUT_MS = 60 * 60_000

await main(async () => {
  const { values: options, positionals: words } = parseArgs({
    allowPositionals: true,
    options: { long: { type: 'boolean', default: false }, node24: { type: 'boolean', default: false } },
  })
  const isCheck = words.length === 0 && !options.node24
  const check = isCheck ? { name: 'lint and types', run: lintAndTypes } : { name: 'types', run: compile }
  const stages = [{ name: 'build', run: () => build() }, check, { name: 'tests', run: () => tests(options, words) }]

  const times = []
  const total = stopwatch()
  for (const stage of stages) {
    const time = stopwatch()
    console.log(`\n== ${stage.name}`)
    const code = await stage.run().catch(error => {
      console.error(error.message)
      return 1
    })
    times.push(`${stage.name} ${time()}`)
    if (code) {
      const left = stages.slice(stages.indexOf(stage) + 1).map(({ name }) => name)
      console.log(`\n${times.join(', ')}; ${total()} in all`)
      console.log(`FAILED: ${stage.name}${left.length > 0 ? `; not run: ${left.join(', ')}` : ''}`)
      return code
    }
  }
  console.log(`\n${times.join(', ')}; ${total()} in all`)
})

/** Both at once: the compiler uses one core. */
async function lintAndTypes() {
  const codes = await Promise.all([lint(), compile()])
  return codes.find(code => code !== 0) ?? 0
}

function lint() {
  return runPackage('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.'])
}

async function tests({ long, node24 }, words) {
  const files = testFiles(long, words)
  if (files.length === 0) throw new Error(`No test file matches: ${words.join(' ')}`)
  const node = node24 ? await node24Binary() : process.execPath
  const timeoutMs = long ? LONG_FILE_TIMEOUT_MS : FILE_TIMEOUT_MS
  const runner = spawn(
    node,
    [
      '--enable-source-maps',
      '--test',
      `--test-concurrency=${Math.max(3, availableParallelism() - 1)}`,
      `--test-timeout=${timeoutMs}`,
      '--test-reporter=./scripts/test-reporter.js',
      '--test-reporter-destination=stdout',
      ...programs(files),
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, KEFU_TEST_FILE_TIMEOUT_MS: String(timeoutMs), ...(long && { KEFU_TEST_LONG: '1' }) },
    },
  )
  return exitCode(runner)
}

/** Test files in a fixed order, as paths from the project's folder. */
function testFiles(long, words) {
  const wanted = words.map(word => (existsSync(resolve(word)) ? relative(root, resolve(word)) : word))
  return readdirSync(join(root, 'test'), { recursive: true })
    .map(path => join('test', path).split(sep).join('/'))
    .filter(path => path.endsWith('.test.ts') || (long && path.endsWith('.long.ts')))
    .filter(path => wanted.length === 0 || wanted.some(word => path.includes(word)))
    .sort()
}

/** What to run for test files: the compiled file, or a file that imports those of its folder. */
function programs(files) {
  const compiled = path => join(COMPILED, path.replace(/ts$/, 'js'))
  rmSync(TOGETHER_FOLDER, { recursive: true, force: true })
  return TOGETHER.reduce((rest, folder) => {
    const own = files.filter(path => dirname(path) === folder)
    if (own.length < 2) return rest
    const program = join(TOGETHER_FOLDER, `${folder}.js`)
    mkdirSync(dirname(program), { recursive: true })
    const imports = own.map(path => `import ${JSON.stringify(pathToFileURL(join(root, compiled(path))))}\n`)
    writeFileSync(program, imports.join(''))
    return [...rest.filter(path => !own.some(file => compiled(file) === path)), program]
  }, files.map(compiled))
}

function stopwatch() {
  const startedAt = performance.now()
  return () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
}
