import { builtinModules } from 'node:module'
import { dirname, join, sep } from 'node:path'
import ts from 'typescript-ast'
import { filesUnder, readText } from './project.js'

/** One import of a source file. `target` is a path from the project's folder for the project's own files, else the module's name. */
export type Import = {
  readonly target: string
  readonly isOwn: boolean
  /** `type`: erased by the compiler. `lazy`: `import()` or `require()` in the code. An `import()` of something that is not a literal has the target `?`. */
  readonly kind: 'static' | 'type' | 'lazy'
  readonly line: number
}

/** A source file, parsed. `path` is from the project's folder, with slashes. */
export type Source = {
  readonly path: string
  readonly text: string
  readonly tree: ts.SourceFile
  readonly imports: readonly Import[]
}

/** The TypeScript files under a folder, parsed. */
export function sourcesUnder(folder: string): Source[] {
  return filesUnder(folder)
    .filter(path => path.endsWith('.ts'))
    .map(readSource)
}

/** A TypeScript file, parsed. */
export function readSource(path: string): Source {
  const text = readText(path)
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  return { path, text, tree, imports: importsOf(path, tree) }
}

/** A node and every node in it, in the order of the text. */
export function descendants(node: ts.Node): ts.Node[] {
  const found: ts.Node[] = []
  const visit = (each: ts.Node): void => {
    found.push(each)
    ts.forEachChild(each, visit)
  }
  visit(node)
  return found
}

/** The line on which a node begins, from 1. */
export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/** A module's package: its name without a path inside it; `node:x` for a builtin however it is written. */
export function packageOf(target: string): string {
  if (target.startsWith('node:')) return target
  if (builtinModules.includes(target)) return `node:${target}`
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
}

function importsOf(path: string, tree: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (node: ts.Node, specifier: ts.Expression, kind: Import['kind']) => {
    const isLiteral = ts.isStringLiteralLike(specifier)
    const isOwn = isLiteral && specifier.text.startsWith('.')
    const target = !isLiteral ? '?' : isOwn ? ownPath(path, specifier.text) : specifier.text
    found.push({ target, isOwn, kind, line: lineOf(tree, node) })
  }
  for (const node of descendants(tree)) {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, isErased(node.importClause) ? 'type' : 'static')
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node, node.moduleSpecifier, isErasedExport(node) ? 'type' : 'static')
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal as ts.StringLiteral, 'type')
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node, node.arguments[0]!, 'lazy')
    } else if (isRequire(node)) {
      add(node, node.arguments[0]!, 'lazy')
    }
  }
  return found
}

function isRequire(node: ts.Node): node is ts.CallExpression {
  if (!ts.isCallExpression(node) || node.arguments.length !== 1) return false
  return node.expression.getText() === 'require' && ts.isStringLiteralLike(node.arguments[0]!)
}

function ownPath(from: string, specifier: string): string {
  return join(dirname(from), specifier).split(sep).join('/').replace(/\.js$/, '.ts')
}

/** With `verbatimModuleSyntax` an import stays unless it says `type` itself: `import { type A }` still loads the module. */
function isErased(clause: ts.ImportClause | undefined): boolean {
  return clause?.phaseModifier === ts.SyntaxKind.TypeKeyword
}

function isErasedExport(node: ts.ExportDeclaration): boolean {
  return node.isTypeOnly
}
