import { runPackage } from './toolchain.js'

/** Where `compile` writes, as a path from the project's folder: src/, test/ and bench/ as JavaScript with source maps. */
export const COMPILED = '.compiled'

/** Checks the types of everything and compiles it; what has not changed since the last time is left alone. Resolves to the compiler's exit code. */
export function compile() {
  return runPackage('typescript/bin/tsc', ['-p', 'tsconfig.test.json'])
}
