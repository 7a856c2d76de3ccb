import assert from 'node:assert/strict'
import ts from 'typescript-ast'
import { readText } from './project.js'

/** docs/protocol.md as tables, and types of the sources, so that tests can hold one against the other. */

/** The document. */
export const text = readText('docs/protocol.md')
/** Its lines. */
export const lines = text.split('\n')

/** Cells of the first table after a heading. */
export function tableAfter(heading: string): string[][] {
  const start = lines.indexOf(heading)
  assert.ok(start >= 0, heading)
  return tableFrom(start + 1)
}

/** Cells of the first table behind a line. */
export function tableFrom(start: number): string[][] {
  const first = lines.findIndex((line, at) => at >= start && line.startsWith('| ---'))
  const end = lines.findIndex((line, at) => at > first && !line.startsWith('|'))
  return lines.slice(first + 1, end).map(line =>
    line
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim()),
  )
}

/** Fields of a shape, and whether they are always there. */
export function fieldRows(heading: string): Map<string, string> {
  return new Map(tableAfter(heading).map(([field, , given]) => [code_(field), given!]))
}

/** Types of sources by name. */
export type Types = ReadonlyMap<string, ts.TypeNode>

/** The types of the wire. */
export function wireTypes(): Types {
  return new Map(
    ['wire', 'wire-author', 'wire-commands', 'wire-contacts', 'wire-canned', 'wire-search'].flatMap(name => [
      ...typesOf(`src/codec/${name}.ts`),
    ]),
  )
}

/** The types of records, and those of the wire that they are made of. */
export function recordTypes(): Types {
  return new Map([...wireTypes(), ...typesOf('src/daemon/core/records.ts')])
}

/** Type aliases of a file by name. */
export function typesOf(path: string): Types {
  const source = ts.createSourceFile(path, readText(path), ts.ScriptTarget.ES2023, true)
  const types = new Map<string, ts.TypeNode>()
  for (const node of source.statements) if (ts.isTypeAliasDeclaration(node)) types.set(node.name.text, node.type)
  return types
}

/** Names of a table type's members, and the names of their types. */
export function membersOf(node: ts.TypeNode): Map<string, string> {
  assert.ok(ts.isTypeLiteralNode(node))
  return new Map(
    node.members.filter(ts.isPropertySignature).map(member => [member.name.getText(), member.type!.getText()]),
  )
}

/** Names of a union's members. */
export function membersOfUnion(node: ts.TypeNode): string[] {
  assert.ok(ts.isUnionTypeNode(node))
  return node.types.map(member => member.getText())
}

/** Fields of a type, those of maps inside it as `outer.inner`, and whether they are always there. */
export function fieldsOf(types: Types, name: string): Map<string, string> {
  return fieldsOfNode(types, types.get(name) ?? assert.fail(name), '')
}

/** The same of a type that has no name; `prefix` stands before every field. */
export function fieldsOfNode(types: Types, node: ts.TypeNode, prefix: string): Map<string, string> {
  if (ts.isTypeReferenceNode(node)) return fieldsOfNode(types, types.get(node.typeName.getText())!, prefix)
  if (ts.isIntersectionTypeNode(node))
    return new Map(node.types.flatMap(member => [...fieldsOfNode(types, member, prefix)]))
  assert.ok(ts.isTypeLiteralNode(node), node.getText())
  const fields = new Map<string, string>()
  for (const member of node.members.filter(ts.isPropertySignature)) {
    const name = `${prefix}${member.name.getText()}`
    fields.set(name, member.questionToken === undefined ? 'always' : 'optional')
    if (ts.isTypeLiteralNode(member.type!))
      for (const [inner, given] of fieldsOfNode(types, member.type, `${name}.`)) fields.set(inner, given)
  }
  return fields
}

/** The texts of a union of texts. */
export function textsOf(node: ts.TypeNode): string[] {
  return [...node.getText().matchAll(/'(\w+)'/g)].map(match => match[1]!)
}

/** Values of a type's `type` field. */
export function literalsOf(node: ts.TypeNode): string[] {
  if (ts.isIntersectionTypeNode(node)) return node.types.filter(ts.isTypeLiteralNode).flatMap(literalsOf)
  assert.ok(ts.isTypeLiteralNode(node))
  const { type } = node.members.filter(ts.isPropertySignature).find(({ name }) => name.getText() === 'type')!
  return [...type!.getText().matchAll(/'(\w+)'/g)].map(match => match[1]!)
}

/** The value of a record's `type`. */
export function literalType(node: ts.TypeNode): string {
  return literalsOf(node)[0]!
}

/** Names of fields, the optional ones with a question mark. */
export function marked(fields: ReadonlyMap<string, string>): string[] {
  return [...fields]
    .filter(([name]) => !name.includes('.'))
    .map(([name, given]) => (given === 'optional' ? `${name}?` : name))
}

/** What stands between backticks in a cell. */
export function spans(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1]!)
}

/** What a cell says that is nothing but code. */
export function code_(cell = ''): string {
  return /^`([^`]+)`$/.exec(cell)?.[1] ?? assert.fail(`"${cell}" is no code`)
}

/** A number with its commas. */
export function number(cell = ''): number {
  return Number(cell.replaceAll(',', ''))
}

/** A number as the document writes it. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

/** A truth value as the document writes it. */
export function yes(value: boolean): string {
  return value ? 'yes' : 'no'
}

/** Texts in order. */
export function sortedTexts(texts: unknown): string[] {
  assert.ok(Array.isArray(texts))
  return texts.map(String).toSorted()
}

/** Rows in the order of their first cell. */
export function sorted<T extends readonly unknown[]>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))
}
