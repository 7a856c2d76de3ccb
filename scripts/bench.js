import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.js'
import { COMPILED, compile } from './compile.js'
import { main, root, run } from './toolchain.js'

/**
 * `npm run -s bench NAME [-- FLAGS]`: builds what is missing and runs bench/NAME.ts. What it prints on stdout is the benchmark's; both sides of a comparison
 * run as the compiler made them, without a loader.
 */
await main(async () => {
  const [name = '', ...flags] = process.argv.slice(2)
  if (!existsSync(join(root, 'bench', `${name}.ts`))) {
    const names = readdirSync(join(root, 'bench')).filter(file => file.endsWith('.ts'))
    throw new Error(`There is no benchmark "${name}". There are: ${names.map(file => file.slice(0, -3)).join(', ')}`)
  }
  await build()
  const code = await compile()
  return code !== 0
    ? code
    : run(process.execPath, ['--enable-source-maps', join(COMPILED, 'bench', `${name}.js`), ...flags])
})
