import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, test } from 'node:test'
import { EXIT_CODES } from '../../src/commands/_cli/exit-codes.js'
import {
  CONFIG_KEYS,
  type ConfigKey,
  configRow,
  environmentName,
  isConfigKey,
  RESERVED_ENVIRONMENT,
} from '../../src/daemon/config/schema.js'
import { ERRORS } from '../../src/errors.js'
import { filesUnder, none, ROOT, readJson, readText } from '../helpers/project.js'

/** What documents say must exist: commands, flags, scripts, keys, codes, variables, links. */

const BANNED = /\b(simply|simple|just|easy|easily|easier|obviously|of course)\b/i

/** What looks like a measurement. Limits and defaults have other units, or stand in a table. */
const MEASURED =
  /\d[\d,.]*\s?(messages\/s|msg\/s|requests\/s|条\/秒|ms (mean|p\d)|毫秒|(KB|KiB|MB|MiB) (per|of memory|RSS))/

const documents = [
  'README.md',
  'README.zh-CN.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...filesUnder('docs').filter(path => path.endsWith('.md')),
  ...filesUnder('bench').filter(path => path.endsWith('.md')),
].map(readDocument)

const manifest = readJson<{ readonly commands: Readonly<Record<string, Command>> }>('oclif.manifest.json')
const scripts = readJson<{ readonly scripts: Readonly<Record<string, string>> }>('package.json').scripts

type Flag = { readonly type: 'option' | 'boolean'; readonly char?: string; readonly allowNo?: boolean }
type Command = { readonly flags: Readonly<Record<string, Flag>>; readonly aliases?: readonly string[] }
type Code = { readonly language: string; readonly text: string }
type Document = {
  readonly path: string
  readonly text: string
  /** The text without code, line by line. */
  readonly prose: readonly string[]
  readonly headings: readonly { readonly level: number; readonly text: string }[]
  readonly fences: readonly Code[]
  /** Inline code. */
  readonly spans: readonly string[]
}

describe('documents', () => {
  test('commands and their flags exist', () => {
    none(documents.flatMap(document => commandLines(document).flatMap(line => problemsOf(document.path, line))))
  })

  test('npm scripts exist', () => {
    const wrong = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm (?:run ([\w:]+)|(start|test)\b)/g)]
        .map(match => match[1] ?? match[2]!)
        .filter(name => !(name in scripts))
        .map(name => `${path}: npm run ${name}`),
    )
    none(wrong)
  })

  test('internal links resolve', () => {
    none(documents.flatMap(brokenLinks))
  })

  test('configuration keys exist', () => {
    const sections = new Set(CONFIG_KEYS.map(key => key.split('.')[0]))
    const wrong = documents.flatMap(({ path, spans }) =>
      spans
        .map(span => /^([a-z]+)\.[a-zA-Z][a-zA-Z0-9]*$/.exec(span))
        .filter(match => match !== null && sections.has(match[1]) && !isConfigKey(match[0]) && !isFileName(match[0]))
        .map(match => `${path}: ${match![0]}`),
    )
    none(wrong)
  })

  test('error codes and environment variables exist', () => {
    const known = new Set<string>([
      ...Object.keys(ERRORS),
      ...CONFIG_KEYS.map(environmentName),
      ...RESERVED_ENVIRONMENT,
      'KEFU_TEST_LONG',
      'KEFU_BENCH_DIR',
    ])
    const wrong = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\bKEFU_[A-Z0-9_]+\b(?!\*|…)/g)]
        .filter(([name]) => !known.has(name))
        .map(([name]) => `${path}: ${name}`),
    )
    none(wrong)
  })

  test('tell no reader that something is simple', () => {
    const wrong = documents.flatMap(({ path, prose }) =>
      prose.flatMap((line, index) => (BANNED.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
    )
    none(wrong)
  })

  test('figures in the READMEs come with the way to measure them', () => {
    const readmes = documents.filter(({ path }) => path.startsWith('README'))
    const bare = readmes.flatMap(({ path, text }) =>
      text
        .split(/^#/m)
        .filter(section => MEASURED.test(section) && !section.includes('](bench/README.md'))
        .map(section => `${path}: ${MEASURED.exec(section)?.[0]}`),
    )
    none(bare)
  })
})

describe('README.zh-CN.md', () => {
  const [english, chinese] = documents as [Document, Document]

  test('has the sections of README.md', () => {
    assert.deepEqual(
      chinese.headings.map(({ level }) => level),
      english.headings.map(({ level }) => level),
    )
  })

  test('has the commands of README.md', () => {
    const commands = ({ fences }: Document) =>
      fences.filter(({ language }) => language === 'sh').map(({ text }) => text.replace(/ *#.*$/gm, ''))
    assert.deepEqual(commands(chinese), commands(english))
  })

  test('each README links to the other', () => {
    assert.ok(english.text.includes('](README.zh-CN.md)') && chinese.text.includes('](README.md)'))
  })
})

describe('docs/operations.md', () => {
  const { text } = documents.find(({ path }) => path === 'docs/operations.md')!
  const rows = text.split('\n').map(line => line.replace(/ *\| */g, '|'))

  test('lists every configuration key with its variable, its default, when it takes effect and what it is', () => {
    const line = (key: ConfigKey) => {
      const { default: value, reload, doc } = configRow(key)
      return `|\`${key}\`|\`${environmentName(key)}\`|\`${value}\`|${reload}|${doc}|`
    }
    none(CONFIG_KEYS.map(line).filter(row => !rows.includes(row)))
  })

  test('lists every exit code', () => {
    const codes = new Set([...Object.keys(EXIT_CODES), ...Object.values(ERRORS).map(({ exit }) => String(exit))])
    none([...codes].filter(code => !rows.some(row => row.startsWith(`|${code}|`))))
  })
})

function readDocument(path: string): Document {
  const text = readText(path)
  const fences: Code[] = []
  const blank = (code: string) => code.replace(/[^\n]/g, '')
  const withoutFences = text.replace(/^(`{3,})(\w*)\n([\s\S]*?)^\1$/gm, (fence, _, language: string, body: string) => {
    fences.push({ language, text: body })
    return blank(fence)
  })
  const spans: string[] = []
  const prose = withoutFences.replace(/`([^`\n]+)`/g, (span, code: string) => {
    spans.push(code)
    return blank(span)
  })
  const headings = withoutFences
    .split('\n')
    .map(line => /^(#+) (.+)$/.exec(line))
    .filter(match => match !== null)
    .map(match => ({ level: match[1]!.length, text: match[2]! }))
  return { path, text, prose: prose.split('\n'), headings, fences, spans }
}

/** Lines that somebody would type, from shell code and inline code, without what precedes `kefu`. */
function commandLines({ fences, spans }: Document): string[] {
  const lines = fences.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.split('\n'))
  return [...lines, ...spans]
    .map(line => /^(?:\$ )?(?:KEFU_\w+=\S+ )*(?:npx kefu|kefu|node bin\/run\.js) (.+)$/.exec(line)?.[1])
    .filter(rest => rest !== undefined)
    .map(rest => rest.replace(/\s+(#|[|<>&;…]).*$/, ''))
}

/** What is wrong with the words after `kefu`. */
function problemsOf(path: string, line: string): string[] {
  const words = line.split(/\s+/).filter(word => word !== '' && word !== '…')
  const positional: string[] = []
  const flags: string[] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    if (!word.startsWith('-')) {
      positional.push(word)
      continue
    }
    const name = word.split('=')[0]!
    flags.push(name)
    if (!word.includes('=') && flagOf(Object.values(manifest.commands), name)?.type === 'option') index++
  }
  if (positional[0] === 'help' || (positional.length === 0 && /^-(-help|-version|h|V)$/.test(flags[0] ?? ''))) return []
  const command = commandOf(positional)
  if (command === undefined) return isTopic(positional) ? [] : [`${path}: no command: kefu ${line}`]
  const unknown = flags.filter(name => !['--help', '-h', '--json'].includes(name) && !flagOf([command], name))
  return unknown.map(name => `${path}: no flag ${name}: kefu ${line}`)
}

function commandOf(words: readonly string[]): Command | undefined {
  for (let length = words.length; length > 0; length--) {
    const found = manifest.commands[words.slice(0, length).join(':')]
    if (found !== undefined) return found
  }
  return undefined
}

function isTopic(words: readonly string[]): boolean {
  return words.length === 1 && Object.keys(manifest.commands).some(id => id.startsWith(`${words[0]}:`))
}

function flagOf(commands: readonly Command[], written: string): Flag | undefined {
  for (const { flags } of commands) {
    for (const [name, flag] of Object.entries(flags)) {
      if (written === `--${name}` || written === `-${flag.char}`) return flag
      if (flag.allowNo === true && written === `--no-${name}`) return flag
    }
  }
  return undefined
}

function brokenLinks({ path, prose }: Document): string[] {
  return [...prose.join('\n').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(match => match[1]!)
    .filter(target => !/^[a-z]+:/.test(target))
    .filter(target => {
      const [file, anchor] = target.split('#') as [string, string | undefined]
      const linked = file === '' ? path : normalize(join(dirname(path), file))
      if (!existsSync(join(ROOT, linked))) return true
      return anchor !== undefined && !readDocument(linked).headings.some(({ text }) => slug(text) === anchor)
    })
    .map(target => `${path} -> ${target}`)
}

/** The anchor that code hosts give a heading. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

function isFileName(text: string): boolean {
  return /\.(md|ts|js|json|yaml|log|sock)$/.test(text)
}
