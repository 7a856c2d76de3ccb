import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { filesUnder, none, ROOT, readJson, readText } from '../helpers/project.js'

describe('oclif.manifest.json', () => {
  const text = readText('oclif.manifest.json')
  const manifest = JSON.parse(text) as {
    readonly version: string
    readonly commands: Readonly<Record<string, unknown>>
  }

  test('is what the built commands make (node scripts/build.js writes it)', async () => {
    const script = pathToFileURL(join(ROOT, 'scripts', 'manifest.js'))
    const { manifestText } = (await import(script.href)) as { manifestText(): Promise<string> }
    assert.equal(await manifestText(), text)
  })

  test('has the version of package.json', () => {
    assert.equal(manifest.version, readJson<{ readonly version: string }>('package.json').version)
  })

  test('has every command of the sources, and no other', () => {
    const commands = filesUnder('src/commands')
      .filter(path => !path.includes('/_'))
      .map(path => path.slice('src/commands/'.length, -'.ts'.length).replaceAll('/', ':'))
    assert.deepEqual(Object.keys(manifest.commands).sort(), commands.sort())
  })

  test('names no folder of the machine that made it', () => {
    none([ROOT, '/home/', '/root/', '/tmp/'].filter(folder => text.includes(folder)))
  })
})
