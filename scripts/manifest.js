import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Plugin, settings } from '@oclif/core'

/** Writes oclif.manifest.json: what every command is, so that none has to be loaded for help or to find another. Needs dist/. */

const root = fileURLToPath(new URL('..', import.meta.url))

/** The manifest's text as the built commands make it. Rejects when a command cannot be loaded. */
export async function manifestText() {
  settings.enableAutoTranspile = false
  const plugin = new Plugin({
    root,
    type: 'core',
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  })
  await plugin.load()
  const commands = Object.entries(plugin.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${JSON.stringify({ commands: Object.fromEntries(commands), version: plugin.manifest.version }, null, 2)}\n`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(root, 'oclif.manifest.json'), await manifestText())
}
