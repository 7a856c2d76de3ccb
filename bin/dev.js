#!/usr/bin/env -S node --import tsx
/** The command line from the sources, without a build: node --import tsx bin/dev.js COMMAND */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Plugin } from '@oclif/core'

const root = fileURLToPath(new URL('..', import.meta.url))
const pjson = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8').replaceAll('./dist/', './src/'),
)

// The manifest speaks of dist/; here the commands themselves are asked.
const own = new Plugin({ root, pjson, isRoot: true, type: 'core', ignoreManifest: true, errorOnManifestCreate: true })
await own.load()

const plugins = new Map([[own.name, own]])
const { main } = await import('../src/commands/_cli/main.ts')
await main(process.argv.slice(2), { root, pjson, plugins })
