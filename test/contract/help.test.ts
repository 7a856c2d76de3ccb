import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { Config } from '@oclif/core/config'
import { LEADING_FLAGS } from '../../src/commands/_cli/arguments.js'
import { COMMON_EXIT_CODES, EXIT_CODES } from '../../src/commands/_cli/exit-codes.js'
import { GLOBAL_FLAGS } from '../../src/commands/_cli/global-flags.js'
import KefuHelp from '../../src/commands/_cli/help.js'
import { HELP_TOPICS } from '../../src/commands/_cli/help-topics.js'
import { runKefu } from '../helpers/cli.js'
import { none, ROOT, readJson } from '../helpers/project.js'
import { tmpDir } from '../helpers/tmp-dir.js'

type Flag = { readonly type: string; readonly char?: string; readonly summary?: string; readonly hidden?: boolean }
type Command = {
  readonly summary?: string
  readonly description?: string
  readonly examples?: readonly string[]
  readonly flags: Readonly<Record<string, Flag>>
  readonly args: Readonly<Record<string, { readonly required?: boolean; readonly description?: string }>>
  readonly exitCodes?: readonly number[]
}

const commands = Object.entries(
  readJson<{ readonly commands: Record<string, Command> }>('oclif.manifest.json').commands,
)
const BIN = '<%= config.bin %> '

/** `config list --origin` shows where values come from; everywhere else an origin is a page's. `history search --count` counts; elsewhere a count is given. */
const EXCEPTIONS = ['config:list --origin', 'history:search --count', 'store:reindex --wait']

describe('every command', () => {
  test('has a summary, a description and examples of itself', () => {
    for (const [id, { summary = '', description = '', examples = [] }] of commands) {
      assert.ok(summary.length > 3 && !/^[A-Z]|\.$/.test(summary), `${id}: ${summary}`)
      assert.ok(description.length > 10 && /[.]$/.test(description), `${id}: ${description}`)
      assert.ok(examples.length > 0, id)
      for (const example of examples) assert.ok(example.includes(BIN), `${id}: ${example}`)
    }
  })

  test('has no line that is to be typed and would be broken on a narrow terminal', () => {
    none(
      commands.flatMap(([id, { description = '' }]) =>
        description
          .split('\n')
          .filter(line => line.startsWith('  ') && line.length > 78)
          .map(line => `${id}: ${line}`),
      ),
    )
  })

  test('has examples that work: its own words and flags that exist', () => {
    const wrong = commands.flatMap(([id, { examples = [], flags }]) =>
      examples.flatMap(example => {
        const [own] = example.slice(example.indexOf(BIN) + BIN.length).split(' | ') as [string]
        const words = own.split(' ')
        const known = new Set(Object.entries(flags).flatMap(([name, { char }]) => [`--${name}`, `-${char}`]))
        const unknown = words.filter(
          word => /^--?[a-z]/.test(word) && !known.has(word.split('=')[0]!) && !isValueOf(words, word, flags),
        )
        return own.includes(id.replaceAll(':', ' ')) ? unknown.map(word => `${id}: ${word}`) : [`${id}: ${example}`]
      }),
    )
    none(wrong)
  })

  test('says its exit codes, all of them of the table', () => {
    for (const [id, { exitCodes = [] }] of commands) {
      none(COMMON_EXIT_CODES.filter(code => !exitCodes.includes(code)).map(code => `${id} lacks ${code}`))
      none(exitCodes.filter(code => !(code in EXIT_CODES)).map(code => `${id}: ${code}`))
      assert.equal(new Set(exitCodes).size, exitCodes.length, id)
    }
  })

  test('has the global flags, and a summary for each of its own', () => {
    for (const [id, { flags, args }] of commands) {
      none(
        Object.keys(GLOBAL_FLAGS)
          .filter(name => !(name in flags))
          .map(name => `${id} lacks --${name}`),
      )
      none(
        Object.entries(flags)
          .filter(([, flag]) => !flag.summary)
          .map(([name]) => `${id} --${name}`),
      )
      none(
        Object.entries(args)
          .filter(([, arg]) => !arg.description)
          .map(([name]) => `${id} ${name}`),
      )
    }
  })

  test('has at most one argument that may be left out', () => {
    none(
      commands.filter(([, { args }]) => Object.values(args).filter(arg => !arg.required).length > 1).map(([id]) => id),
    )
  })

  test('means the same by the same flag as all others', () => {
    const seen = new Map<string, string>()
    for (const [id, { flags }] of commands) {
      for (const [name, { type, char }] of Object.entries(flags)) {
        if (EXCEPTIONS.includes(`${id} --${name}`)) continue
        const shape = `${type} ${char ?? ''}`
        assert.equal(seen.get(name) ?? shape, shape, `--${name} of ${id}`)
        seen.set(name, shape)
        if (char === undefined) continue
        assert.equal(seen.get(`-${char}`) ?? name, name, `-${char} of ${id}`)
        seen.set(`-${char}`, name)
      }
    }
  })

  test('takes no secret as an argument or the value of a flag', () => {
    const secret = /^(token|secret|password|key|identity-secret)$/
    const wrong = commands.flatMap(([id, { flags, args }]) => [
      ...Object.entries(flags)
        .filter(([name, flag]) => secret.test(name) && flag.type === 'option')
        .map(([name]) => `${id} --${name}`),
      ...Object.keys(args)
        .filter(name => secret.test(name) && !id.startsWith('config:'))
        .map(name => `${id} ${name}`),
    ])
    none(wrong)
  })
})

describe('global flags before the command', () => {
  test('are those that every command has', () => {
    const options = Object.entries(GLOBAL_FLAGS)
      .filter(([, flag]) => flag.type === 'option')
      .map(([name]) => `--${name}`)
    const switches = Object.entries(GLOBAL_FLAGS)
      .filter(([, flag]) => flag.type === 'boolean')
      .flatMap(([name, flag]) => [`--${name}`, ...(flag.char === undefined ? [] : [`-${flag.char}`])])
    assert.deepEqual([...LEADING_FLAGS.withValue].sort(), options.sort())
    assert.deepEqual([...LEADING_FLAGS.switches].sort(), switches.sort())
  })
})

describe('help', () => {
  let config: Config
  before(async () => {
    config = await Config.load({ root: ROOT, userPlugins: false, devPlugins: false })
  })

  test('of every command has usage, flags, examples and exit codes', async () => {
    for (const [id, command] of commands) {
      const text = await helpOf([...id.split(':')])
      assert.ok(text.startsWith(`${command.summary}\n`), id)
      for (const section of ['USAGE', 'GLOBAL FLAGS', 'DESCRIPTION', 'EXAMPLES', 'EXIT CODES'])
        assert.match(text, new RegExp(`^${section}$`, 'm'), `${id}: ${section}`)
      assert.match(text, new RegExp(`^ {2}\\$ kefu ${id.replaceAll(':', ' ')}( |$)`, 'm'), id)
      for (const code of command.exitCodes ?? [])
        assert.match(text, new RegExp(`^ {2}${code} +\\S`, 'm'), `${id}: ${code}`)
      none(
        text
          .split('\n')
          .filter(line => line.length > 80)
          .map(line => `${id}: ${line}`),
      )
      assert.ok(!text.includes('undefined') && !text.includes('<%'), id)
    }
  })

  test('has pages of its own', async () => {
    const root = await helpOf([])
    for (const name of Object.keys(HELP_TOPICS)) {
      assert.match(root, new RegExp(`^ {2}${name} `, 'm'))
      assert.ok((await helpOf([name])).length > 100)
    }
    const codes = await helpOf(['exit-codes'])
    for (const [code, meaning] of Object.entries(EXIT_CODES))
      assert.ok(codes.includes(`${code.padStart(3)}  ${meaning}`))
    assert.match(await helpOf(['environment']), /KEFU_HTTP_PORT +sets http\.port/)
  })

  test('of something that does not exist is a usage error with the nearest name', async () => {
    await assert.rejects(helpOf(['agnt']), /there is no command "agnt", did you mean "agent"\?/)
  })

  async function helpOf(words: string[]): Promise<string> {
    const lines: string[] = []
    class Captured extends KefuHelp {
      protected override log(...texts: string[]): void {
        lines.push(...texts)
      }
    }
    await new Captured(config, { stripAnsi: true, maxWidth: 80 }).showHelp(words)
    return lines.join('\n')
  }
})

describe('starting', () => {
  test('kefu --help loads no database, no network library, no schema library', async t => {
    const record = join(tmpDir(t), 'loaded')
    const recorder = `data:text/javascript,${encodeURIComponent(`
      import { register } from 'node:module'
      import { createRequire } from 'node:module'
      import { appendFileSync } from 'node:fs'
      const hooks = 'import { appendFileSync } from "node:fs"; export async function load(url, context, next) { appendFileSync(${JSON.stringify(record)}, url + "\\\\n"); return next(url, context) }'
      register('data:text/javascript,' + encodeURIComponent(hooks))
      const { cache } = createRequire(${JSON.stringify(`${ROOT}/x.js`)})
      process.on('exit', () => appendFileSync(${JSON.stringify(record)}, Object.keys(cache).join('\\n') + '\\n'))
    `)}`
    const { code, stdout } = await runKefu(['--help'], { nodeArguments: ['--import', recorder] })
    assert.equal(code, 0)
    assert.match(stdout, /TOPICS/)
    const { readFileSync } = await import('node:fs')
    const loaded = readFileSync(record, 'utf8').trim().split('\n')
    assert.ok(loaded.some(path => path.includes('@oclif/core')) && loaded.some(path => path.includes('_cli/main.js')))
    none(
      loaded.filter(path =>
        /node_modules\/(level|classic-level|abstract-level|uWebSockets\.js|ws|zod|pino|yaml|msgpackr|@mongodb-js)\//.test(
          path,
        ),
      ),
    )
    none(loaded.filter(path => path.includes('/dist/daemon/') && !path.includes('/dist/daemon/config/')))
    assert.ok(loaded.length < 400, `${loaded.length} modules`)
  })

  test('kefu --version and -V say what kefu version says', async () => {
    const [flag, short, command] = await Promise.all([['--version'], ['-V'], ['version']].map(words => runKefu(words)))
    assert.match(flag!.stdout, /^kefu\/\d+\.\d+\.\d+ \S+ node-v\d+/)
    assert.deepEqual(short, flag)
    assert.deepEqual(command, flag)
  })
})

/** Whether a word that begins with a dash is the value of the flag before it (`--sort -created`). */
function isValueOf(words: readonly string[], word: string, flags: Readonly<Record<string, Flag>>): boolean {
  const before = words[words.indexOf(word) - 1]?.replace(/^--/, '') ?? ''
  return flags[before]?.type === 'option'
}
