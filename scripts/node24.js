import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { npm, readJson, root } from './toolchain.js'

const FOLDER = join(root, 'node_modules', '.cache', 'kefu', 'node24')

/**
 * The path of a Node 24 from the package registry, kept under node_modules/.cache. The npm package `node` has no program in it: its install script fetches the
 * package of the platform. That one is asked for directly, so that no install script has to run.
 */
export async function node24Binary() {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const prefix = platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  const name = `${prefix}-${platform}-${process.arch}`
  const folder = join(FOLDER, 'node_modules', name)
  if (!existsSync(folder)) {
    console.error(`Installing ${name}@24 …`)
    const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    const code = await npm(['install', ...flags, '--prefix', FOLDER, `${name}@24`])
    if (code !== 0) throw new Error(`npm could not install ${name}@24 (exit ${code})`)
  }
  const { bin, version } = readJson(relative(root, join(folder, 'package.json')))
  console.error(`Node ${version} (${name})`)
  return join(folder, bin.node)
}

if (process.argv[1] === import.meta.filename) console.log(await node24Binary())
