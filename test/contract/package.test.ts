import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { filesUnder, none, ROOT, readJson, readText } from '../helpers/project.js'
import { packageOf, readSource, sourcesUnder } from '../helpers/sources.js'

/** Licences that code which is shipped or installed with kefu may have. */
const LICENCES = ['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT']

/** Packages that want to run a program when they are installed, and whether they may. package.json's `allowScripts` says the same to npm. */
const INSTALL_SCRIPTS: Readonly<Record<string, boolean>> = {
  // Compiles the store's addon where the package has no binary for the platform; else does nothing.
  'classic-level': true,
  // Optional accelerators of packages that work without.
  bufferutil: false,
  'msgpackr-extract': false,
  'utf-8-validate': false,
  // Replaces a launcher by the binary, to save a process.
  esbuild: false,
}

/** Binaries for other platforms, of packages whose other binaries are locked with a hash. Their version is exact; the hash was not to be had. */
const WITHOUT_HASH = /^node_modules\/(@biomejs\/cli|@msgpackr-extract\/msgpackr-extract)-(android|darwin|linux|win32)-/

/** Declared, yet not imported by name: where they are used. */
const USED_OTHERWISE: Readonly<Record<string, string>> = {
  '@biomejs/biome': 'scripts/test.js',
  '@types/node': 'tsconfig.json',
  '@types/ws': 'src/client/socket.ts',
  tsx: 'bin/dev.js',
  typescript: 'scripts/build.js',
  'uWebSockets.js': 'src/daemon/transport/uws-native.ts',
}

type Manifest = {
  readonly name: string
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly allowScripts?: Readonly<Record<string, boolean>>
}
type Locked = {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const manifest = readJson<Manifest>('package.json')
const locked = Object.entries(readJson<{ packages: Record<string, Locked> }>('package-lock.json').packages)
const installed = locked.filter(([path]) => path !== '')

describe('dependencies', () => {
  const production = usedBy(['src', 'bin'])
  const development = usedBy(['test', 'bench', 'scripts'])

  test('what the product imports is declared', () => {
    none([...production].filter(([name]) => !(name in manifest.dependencies)))
  })

  test('what tests, benchmarks and scripts import is declared', () => {
    const declared = { ...manifest.dependencies, ...manifest.devDependencies }
    none([...development].filter(([name]) => !(name in declared)))
  })

  test('what is declared is used', () => {
    const isUsed = (name: string, by: ReadonlyMap<string, string>) => by.has(name) || name in USED_OTHERWISE
    none(Object.keys(manifest.dependencies).filter(name => !isUsed(name, production)))
    none(Object.keys(manifest.devDependencies).filter(name => !isUsed(name, development)))
    for (const [name, file] of Object.entries(USED_OTHERWISE)) {
      const text = readText(file)
      assert.ok(text.includes(name.replace('@types/', '')), `${file} does not mention ${name}`)
    }
  })

  test('licences of what is installed with kefu are on the list', () => {
    const wrong = installed
      .filter(([, entry]) => entry.dev !== true)
      .map(([path, entry]) => [path, licenceOf(path, entry)] as const)
      .filter(([, licence]) => !isAllowed(licence))
    none(wrong.map(([path, licence]) => `${path}: ${licence}`))
  })
})

describe('package-lock.json', () => {
  test('belongs to package.json', () => {
    const root = locked.find(([path]) => path === '')?.[1]
    assert.deepEqual(root?.dependencies, manifest.dependencies)
    assert.deepEqual(root?.devDependencies, manifest.devDependencies)
    assert.equal(root?.version, manifest.version)
  })

  test('has an exact version and a hash for every package', () => {
    const isExcused = ([path, { optional, os, version }]: readonly [string, Locked]) =>
      WITHOUT_HASH.test(path) && optional === true && os !== undefined && version !== undefined
    const loose = installed.filter(entry => entry[1].integrity?.startsWith('sha512-') !== true && !isExcused(entry))
    none(loose.map(([path]) => path))
  })

  test('holds the packages of every platform: npm ci refuses it otherwise', () => {
    const paths = new Set(installed.map(([path]) => path))
    const missing = installed.flatMap(([path, entry]) =>
      Object.keys((entry as { optionalDependencies?: Record<string, string> }).optionalDependencies ?? {})
        .filter(name => !paths.has(`node_modules/${name}`) && !paths.has(`${path}/node_modules/${name}`))
        .map(name => `${path} -> ${name}`),
    )
    none(missing)
  })

  test('names no registry, so that any mirror serves it', () => {
    none(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path))
  })

  test('has no install script but those of the written list', () => {
    const withScript = installed.filter(([, entry]) => entry.hasInstallScript === true)
    assert.deepEqual(
      withScript.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)).sort(),
      Object.keys(INSTALL_SCRIPTS).sort(),
    )
    assert.deepEqual(manifest.allowScripts, INSTALL_SCRIPTS)
  })
})

describe('the package', () => {
  let files: readonly string[]
  before(async () => {
    files = await packedFiles()
  })

  test('holds what it needs to run, and nothing else', () => {
    for (const needed of ['LICENSE', 'README.md', 'bin/run.js', 'dist/client/index.js', 'oclif.manifest.json']) {
      assert.ok(files.includes(needed), `${needed} is missing`)
    }
    const expected =
      /^(bin\/run\.js|dist\/.+\.(js|d\.ts|js\.map)|docs\/.+\.md|[A-Za-z.-]+\.md|LICENSE|package\.json|oclif\.manifest\.json)$/
    none(files.filter(file => !expected.test(file)))
  })

  test('names no folder of the machine that made it', () => {
    const texts = files.filter(file => /\.(js|json|map|ts)$/.test(file))
    none(texts.filter(file => readText(file).includes(ROOT)))
  })
})

/** Packages that files of these folders import: name -> one file that does. */
function usedBy(folders: readonly string[]): Map<string, string> {
  const used = new Map<string, string>()
  for (const folder of folders.filter(name => existsSync(join(ROOT, name)))) {
    const scripts = filesUnder(folder).filter(path => path.endsWith('.js'))
    for (const { path, imports } of [...sourcesUnder(folder), ...scripts.map(readSource)]) {
      for (const found of imports) {
        const name = packageOf(found.target)
        if (!found.isOwn && found.target !== '?' && !name.startsWith('node:')) used.set(name, path)
      }
    }
  }
  used.delete(manifest.name)
  return used
}

function licenceOf(path: string, entry: Locked): string {
  const file = join(path, 'package.json')
  const found = existsSync(join(ROOT, file)) ? readJson<{ license?: string }>(file).license : undefined
  return found ?? entry.license ?? 'none stated'
}

/** A licence expression: one of several is enough, all of several are needed. */
function isAllowed(expression: string): boolean {
  const alternatives = expression.replace(/[()]/g, '').split(' OR ')
  return alternatives.some(all => all.split(' AND ').every(licence => LICENCES.includes(licence)))
}

async function packedFiles(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
  })
  const [packed] = JSON.parse(stdout) as [{ readonly files: readonly { readonly path: string }[] }]
  return packed.files.map(({ path }) => path)
}
