import { basename } from 'node:path'
import { describe, test } from 'node:test'
import ts from 'typescript-ast'
import { none } from '../helpers/project.js'
import { descendants, type Import, lineOf, packageOf, type Source, sourcesUnder } from '../helpers/sources.js'

/**
 * The shape of the house. An area may import itself, what `imports` names, and of what `types` names the types only. A new folder of `src` needs a row.
 * The row with the longest `at` that begins a file's path is the file's.
 */
const ENGINE_PARTS = [
  ...['engineRegistry', 'engineLimits', 'engineSession', 'engineDelivery', 'engineRouting'],
  ...['engineMedia', 'engineIntake', 'enginePlatforms', 'engineHistory', 'engineRetention'],
]

const AREAS: Readonly<Record<string, Area>> = {
  base: { at: ['src/errors.ts', 'src/errors/', 'src/nearest.ts'], imports: [] },
  codec: { at: ['src/codec/'], imports: ['base'] },
  platform: { at: ['src/platform/'], imports: ['base'] },
  emulator: { at: ['src/emulator/'], imports: ['base', 'codec', 'platform'] },
  client: { at: ['src/client/'], imports: ['base', 'codec'] },
  load: { at: ['src/load/'], imports: ['base', 'codec', 'client'] },

  history: { at: ['src/history/'], imports: ['base'] },

  core: { at: ['src/daemon/core/'], imports: ['base', 'codec'] },
  engineRegistry: part('registry'),
  engineLimits: part('limits'),
  engineSession: part('session'),
  engineDelivery: part('delivery', ['engineSession']),
  engineRouting: part('routing', ['engineRegistry', 'engineSession', 'engineDelivery']),
  enginePlatforms: part('platforms', ['engineRegistry', 'engineLimits', 'engineSession']),
  engineMedia: part('media', ['engineRegistry', 'engineLimits', 'engineSession']),
  engineIntake: part('intake', [
    ...['engineRegistry', 'engineLimits', 'engineSession', 'engineDelivery', 'engineRouting'],
  ]),
  engineHistory: part('history'),
  engineRetention: part('retention', ['engineRegistry', 'engineRouting']),
  engine: { at: ['src/daemon/engine/'], imports: ['base', 'codec', 'core', ...ENGINE_PARTS] },

  config: { at: ['src/daemon/config/'], imports: ['base'] },
  observe: {
    at: ['src/daemon/observe/'],
    imports: ['base', 'codec', 'core', 'engine', ...ENGINE_PARTS],
    types: ['config'],
  },
  networkPort: { at: ['src/daemon/transport/port.ts'], imports: ['base'] },
  store: adapter('src/daemon/store/'),
  transport: adapter('src/daemon/transport/'),
  gateway: adapter('src/daemon/gateway/'),
  http: adapter('src/daemon/http/'),
  media: adapter('src/daemon/media/'),
  channelTables: { at: ['src/daemon/channels/tables.ts', 'src/daemon/channels/tables/'], imports: ['base', 'core'] },
  channels: {
    ...adapter('src/daemon/channels/'),
    imports: ['base', 'codec', 'core', 'platform', 'channelTables'],
  },
  hooks: {
    ...adapter('src/daemon/hooks/'),
    imports: ['base', 'codec', 'core', 'platform', 'engine', ...ENGINE_PARTS],
  },
  vault: adapter('src/daemon/vault/'),
  search: { at: ['src/daemon/search/'], imports: ['base', 'codec', 'core'], types: ['config', 'observe'] },
  audit: adapter('src/daemon/audit/'),
  simulation: {
    ...adapter('src/daemon/simulation/'),
    imports: ['base', 'codec', 'core', 'config', 'engineRegistry', 'engineRouting'],
  },
  control: {
    ...adapter('src/daemon/control/'),
    imports: ['base', 'codec', 'core', 'platform', 'engine', ...ENGINE_PARTS, 'controlClient'],
  },
  controlClient: {
    at: [
      ...['client', 'operations', 'page', 'protocol', 'schemas'],
      ...['metrics-interval', 'metrics-schemas', 'metrics-text'],
      ...['queue-operations', 'queue-schemas', 'queue-vocabulary', 'simulation-schemas'],
      ...['outbox-operations', 'outbox-schemas', 'outbox-vocabulary'],
      ...['canned-operations', 'contact-operations', 'credential-operations', 'credential-vocabulary'],
      ...['lane-operations', 'channel-vocabulary'],
      ...['hook-operations', 'hook-vocabulary'],
      ...['forget-operations', 'history-operations', 'history-schemas', 'history-vocabulary'],
      ...['search-operations', 'search-schemas', 'search-vocabulary'],
      ...['audit-operations', 'caller'],
    ].map(name => `src/daemon/control/${name}.ts`),
    imports: ['base', 'codec', 'core'],
  },
  main: { at: ['src/daemon/'], imports: 'everything' },

  commands: {
    at: ['src/commands/'],
    imports: ['base', 'codec', 'client', 'config', 'controlClient', 'channelTables', 'history'],
    lazy: ['main', 'observe', 'load', 'emulator'],
  },
}

/** Who may use which package. A package that is not named here is free for all but `core`. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  level: ['store'],
  'uWebSockets.js': ['transport'],
  ws: ['transport', 'client'],
  pino: ['observe'],
  yaml: ['config'],
  msgpackr: ['codec'],
  '@mongodb-js/zstd': ['codec'],
  re2js: ['search'],
  '@oclif/core': ['commands'],
  'cli-table3': ['commands'],
}

/** Never loaded by a command before it runs: `kefu --help` must stay as quick as it is. */
const HEAVY = ['level', 'classic-level', 'uWebSockets.js', 'ws', 'pino', '@mongodb-js/zstd', 'yaml', 're2js']

/** What a browser gets with `kefu/client`. */
const CLIENT_PACKAGES = ['msgpackr', 'zod']

/** Files that may `import()` a name which is not written in the call. */
const COMPUTED_IMPORTS = ['src/client/platform.ts']

const LINES_LIMIT = 400

type Area = {
  readonly at: readonly string[]
  readonly imports: readonly string[] | 'everything'
  readonly types?: readonly string[]
  readonly lazy?: readonly string[]
}

/** A part of the engine: it knows the core and the parts that it names. */
function part(name: string, parts: readonly string[] = []): Area {
  return { at: [`src/daemon/engine/${name}/`], imports: ['base', 'codec', 'core', ...parts] }
}

/** An implementation of ports: it knows the inside of the house, and of other adapters at most the types of settings, log and network port. */
function adapter(at: string): Area {
  return {
    at: [at],
    imports: ['base', 'codec', 'core', 'engine', ...ENGINE_PARTS],
    types: ['config', 'observe', 'networkPort'],
  }
}

const sources = sourcesUnder('src')
const others = [...sourcesUnder('test'), ...sourcesUnder('bench')]
const byPath = new Map(sources.map(source => [source.path, source]))

describe('structure of src', () => {
  test('every file belongs to an area', () => {
    none(sources.filter(({ path }) => areaOf(path) === undefined).map(({ path }) => path))
  })

  test('imports follow the arrows', () => {
    const wrong = eachImport(({ path }, found) => {
      if (!found.isOwn) return undefined
      const [from, to] = [areaOf(path), areaOf(found.target)]
      return from === undefined || to === undefined || isAllowed(from, to, found.kind)
        ? undefined
        : `${from} imports ${to}`
    })
    none(wrong)
  })

  test('imports of own files exist', () => {
    none(eachImport((_, found) => (found.isOwn && !byPath.has(found.target) ? `no file ${found.target}` : undefined)))
  })

  test('there are no import cycles', () => {
    none(cycles())
  })

  test('packages are used where they belong', () => {
    const wrong = eachImport(({ path }, found) => {
      const area = areaOf(path)
      if (found.isOwn || area === undefined || found.kind === 'type') return undefined
      const name = packageOf(found.target)
      if (area === 'core') return `core is pure: ${name}`
      return name in PACKAGES && !PACKAGES[name]!.includes(area) ? `${name} in ${area}` : undefined
    })
    none(wrong)
  })

  test('core takes no time, chance or I/O from around it', () => {
    const impure =
      /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|process\.|randomBytes|randomUUID)\b/
    none(eachLine(sources.filter(({ path }) => areaOf(path) === 'core').map(withoutComments), impure))
  })

  test('the client loads nothing that only Node has', () => {
    const roots = sources.filter(({ path }) => areaOf(path) === 'client')
    const foreign = reachable(roots).flatMap(({ path, imports }) =>
      imports
        .filter(found => !found.isOwn && found.kind === 'static' && !CLIENT_PACKAGES.includes(packageOf(found.target)))
        .map(found => `${path}:${found.line} ${found.target}`),
    )
    none(foreign)
  })

  test('commands load neither the store nor the network before they run', () => {
    const roots = sources.filter(({ path }) => areaOf(path) === 'commands')
    const heavy = reachable(roots).flatMap(({ path, imports }) =>
      imports
        .filter(found => !found.isOwn && found.kind === 'static' && HEAVY.includes(packageOf(found.target)))
        .map(found => `${path}:${found.line} ${found.target}`),
    )
    none(heavy)
  })

  test('an import() names what it loads', () => {
    none(
      eachImport(({ path }, { target }) =>
        target === '?' && !COMPUTED_IMPORTS.includes(path) ? 'computed import()' : undefined,
      ),
    )
  })
})

describe('form of src', () => {
  test(`no file has more than ${LINES_LIMIT} lines`, () => {
    const long = sources.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    none(long.filter(({ lines }) => lines > LINES_LIMIT).map(({ path, lines }) => `${path} has ${lines}`))
  })

  test('files are named in kebab-case', () => {
    const names = sources.filter(({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/.test(basename(path)))
    none(names.map(({ path }) => path))
  })

  test('every exported symbol has a doc comment', () => {
    none(sources.filter(({ path }) => !path.endsWith('.d.ts')).flatMap(undocumented))
  })

  test('only commands have default exports', () => {
    const withDefault = sources.filter(
      source => areaOf(source.path) !== 'commands' && source.tree.statements.some(isDefaultExport),
    )
    none(withDefault.map(({ path }) => path))
  })

  test('no state lives at the top of a module', () => {
    const isMutable = (node: ts.Statement) =>
      ts.isVariableStatement(node) && (node.declarationList.flags & ts.NodeFlags.Const) === 0 && !isAmbient(node)
    none(sources.flatMap(({ path, tree }) => tree.statements.filter(isMutable).map(node => at(path, tree, node))))
  })

  test('no enums, namespaces, decorators, any, nor private members without #', () => {
    const unwanted: readonly ts.SyntaxKind[] = [
      ts.SyntaxKind.EnumDeclaration,
      ts.SyntaxKind.ModuleDeclaration,
      ts.SyntaxKind.Decorator,
      ts.SyntaxKind.AnyKeyword,
      ts.SyntaxKind.PrivateKeyword,
    ]
    const found = [...sources, ...others]
      .filter(({ path }) => !path.endsWith('.d.ts'))
      .flatMap(({ path, tree }) =>
        descendants(tree)
          .filter(node => unwanted.includes(node.kind) && !ts.isConstructorDeclaration(node.parent))
          .map(node => `${at(path, tree, node)} ${ts.SyntaxKind[node.kind]}`),
      )
    none(found)
  })

  test('no check is switched off, and every TODO has an issue number', () => {
    // In parts, or this file would name what it forbids.
    const switchedOff = new RegExp(`@ts-(${['ignore', 'expect-error', 'nocheck'].join('|')})|${'biome'}-ignore`)
    const unnumbered = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME'].join('|')})\\b(?!\\(#\\d+\\))`)
    none([...eachLine([...sources, ...others], switchedOff), ...eachLine(sources, unnumbered)])
  })
})

function areaOf(path: string): string | undefined {
  let best: string | undefined
  let length = 0
  for (const [name, area] of Object.entries(AREAS)) {
    for (const prefix of area.at) {
      if (!path.startsWith(prefix) || prefix.length <= length) continue
      best = name
      length = prefix.length
    }
  }
  return best
}

function isAllowed(from: string, to: string, kind: Import['kind']): boolean {
  const area = AREAS[from]!
  if (from === to || area.imports === 'everything' || area.imports.includes(to)) return true
  if (kind === 'type') return area.types?.includes(to) === true || area.lazy?.includes(to) === true
  return kind === 'lazy' && area.lazy?.includes(to) === true
}

/** What the test says about each import, with its place. */
function eachImport(judge: (source: Source, found: Import) => string | undefined): string[] {
  return sources.flatMap(source =>
    source.imports.flatMap(found => {
      const verdict = judge(source, found)
      return verdict === undefined ? [] : [`${source.path}:${found.line} ${verdict}`]
    }),
  )
}

/** Files that are loaded with these: what they import statically, and so on. */
function reachable(roots: readonly Source[]): Source[] {
  const seen = new Set(roots)
  for (const source of seen) {
    for (const found of source.imports) {
      const next = found.isOwn && found.kind === 'static' ? byPath.get(found.target) : undefined
      if (next !== undefined) seen.add(next)
    }
  }
  return [...seen]
}

/** One cycle for each import that closes one, types included: a cycle of types is two modules that are one. */
function cycles(): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) found.push([...trail.slice(start), path].join(' -> '))
    if (start >= 0 || done.has(path)) return
    for (const next of byPath.get(path)?.imports ?? []) if (next.isOwn) visit(next.target, [...trail, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  return found
}

function undocumented({ path, tree }: Source): string[] {
  const exported = new Set(
    tree.statements.flatMap(node =>
      ts.isExportDeclaration(node) && node.moduleSpecifier === undefined && node.exportClause !== undefined
        ? namedExports(node.exportClause)
        : [],
    ),
  )
  return tree.statements
    .filter(node => hasModifier(node, ts.SyntaxKind.ExportKeyword) || namesOf(node).some(name => exported.has(name)))
    .filter(node => !hasModifier(node, ts.SyntaxKind.DefaultKeyword))
    .filter(node => ts.getJSDocCommentsAndTags(node).length === 0)
    .map(node => `${at(path, tree, node)} ${namesOf(node).join(', ')}`)
}

function namedExports(clause: ts.NamedExportBindings): string[] {
  return ts.isNamedExports(clause) ? clause.elements.map(({ name, propertyName }) => (propertyName ?? name).text) : []
}

function namesOf(node: ts.Statement): string[] {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText())
  const { name } = node as ts.Statement & { readonly name?: ts.Node }
  return name === undefined ? [] : [name.getText()]
}

function isDefaultExport(node: ts.Statement): boolean {
  return ts.isExportAssignment(node) || hasModifier(node, ts.SyntaxKind.DefaultKeyword)
}

function isAmbient(node: ts.Statement): boolean {
  return hasModifier(node, ts.SyntaxKind.DeclareKeyword)
}

function hasModifier(node: ts.Statement, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(modifier => modifier.kind === kind) === true
}

function withoutComments(source: Source): Source {
  const blank = (comment: string) => comment.replace(/[^\n]/g, '')
  return { ...source, text: source.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, blank) }
}

function eachLine(files: readonly Source[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
  )
}

function at(path: string, tree: ts.SourceFile, node: ts.Node): string {
  return `${path}:${lineOf(tree, node)}`
}
