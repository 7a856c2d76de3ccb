import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, resolve } from 'node:path'
import { describe, it } from 'node:test'
import ts from 'typescript-ast'
import { ROOT } from '../helpers/project.js'

/** Modules that a file imports at run time: types leave no trace, and dynamic imports of a computed name are not followed by bundlers. */
async function importsOf(path: string): Promise<string[]> {
  const source = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.ES2023, true)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && node.importClause?.isTypeOnly !== true) {
      const { elements } = (node.importClause?.namedBindings ?? {}) as { elements?: readonly ts.ImportSpecifier[] }
      const isTypes = elements !== undefined && elements.length > 0 && elements.every(({ isTypeOnly }) => isTypeOnly)
      if (!isTypes) found.push((node.moduleSpecifier as ts.StringLiteral).text)
    } else if (ts.isExportDeclaration(node) && !node.isTypeOnly && node.moduleSpecifier !== undefined) {
      found.push((node.moduleSpecifier as ts.StringLiteral).text)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [name] = node.arguments
      if (name !== undefined && ts.isStringLiteralLike(name)) found.push(name.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Every file that the client's entry reaches, and the packages. */
async function reach(): Promise<{ readonly files: readonly string[]; readonly packages: readonly string[] }> {
  const packages = new Set<string>()
  const files = new Set<string>()
  const queue = [resolve(ROOT, 'src/client/index.ts')]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (files.has(path)) continue
    files.add(path)
    for (const name of await importsOf(path)) {
      assert.equal(isBuiltin(name), false, `${path} imports ${name}`)
      if (name.startsWith('.')) queue.push(resolve(dirname(path), name.replace(/\.js$/, '.ts')))
      else packages.add(name)
    }
  }
  return { files: [...files].map(path => path.slice(ROOT.length)), packages: [...packages] }
}

describe('kefu/client in a browser', () => {
  it('reaches no Node module, no package but msgpackr, and nothing of the daemon', async () => {
    const { files, packages } = await reach()
    assert.deepEqual(packages, ['msgpackr'])
    assert.deepEqual(
      files.filter(path => !/^src\/(client|codec)\/|^src\/errors(\.ts$|\/)/.test(path)),
      [],
    )
    assert.ok(files.length > 20)
  })

  it('uses no global of Node without a guard', async () => {
    const { files } = await reach()
    for (const path of files.filter(each => each !== 'src/client/platform.ts')) {
      const source = await readFile(resolve(ROOT, path), 'utf8')
      assert.doesNotMatch(source, /\bprocess\.|\bBuffer\.|\bsetImmediate\b|\b__dirname\b|\brequire\(/, path)
    }
  })
})
