import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import ts from 'typescript-ast'
import { EXIT_CODES } from '../../src/commands/_cli/exit-codes.js'
import { CONFIG_KEYS, environmentName, RESERVED_ENVIRONMENT } from '../../src/daemon/config/schema.js'
import { ERRORS, type ErrorCode, isKefuError, KefuError, toKefuError } from '../../src/errors.js'
import { none } from '../helpers/project.js'
import { descendants, lineOf, type Source, sourcesUnder } from '../helpers/sources.js'

const CODES = Object.keys(ERRORS) as ErrorCode[]
const sources = sourcesUnder('src')

describe('the error table', () => {
  test('every row is complete and within bounds', () => {
    for (const code of CODES) {
      const { message, hint, exit, http, retryable } = ERRORS[code]
      assert.match(code, /^KEFU_[A-Z]+(_[A-Z]+)*$/)
      assert.ok(message.length > 0 && hint.length > 0, code)
      assert.ok(!/[.!?]$/.test(message), `${code}: the message is no sentence end`)
      assert.ok(exit in EXIT_CODES && ![0, 3].includes(exit), `${code}: exit ${exit}`)
      assert.ok(http >= 400 && http <= 599, `${code}: http ${http}`)
      assert.equal(typeof retryable, 'boolean')
    }
  })

  test('no two rows say the same', () => {
    const messages = CODES.map(code => ERRORS[code].message)
    assert.equal(new Set(messages).size, messages.length)
  })

  test('every code is used in the product, and every code in the product is in the table', () => {
    const environment = new Set<string>([...CONFIG_KEYS.map(environmentName), ...RESERVED_ENVIRONMENT])
    const used = new Set<string>()
    const unknown: string[] = []
    for (const source of sources.filter(({ path }) => !/^src\/errors(\.ts$|\/)/.test(path))) {
      for (const node of descendants(source.tree)) {
        if (!ts.isStringLiteralLike(node) || !/^KEFU_[A-Z_0-9]*[A-Z0-9]$/.test(node.text)) continue
        if (node.text in ERRORS) used.add(node.text)
        else if (!environment.has(node.text)) unknown.push(`${where(source, node)} ${node.text}`)
      }
    }
    none(unknown)
    none(CODES.filter(code => !used.has(code)))
  })

  test('what clients are told over the network names no command, file or setting of the server', () => {
    const folders = /^src\/daemon\/(engine|gateway|http|media|transport|store)\/|^src\/codec\//
    const reachable = new Set<ErrorCode>(['KEFU_INTERNAL', 'KEFU_DRAINING'])
    for (const source of sources.filter(({ path }) => folders.test(path)))
      for (const node of descendants(source.tree))
        if (ts.isStringLiteralLike(node) && node.text in ERRORS) reachable.add(node.text as ErrorCode)
    // Those that only keep a daemon from starting, or are answered to its operator alone.
    const operators =
      /^KEFU_(USAGE$|CONFIG_|STORE_(FORMAT_NEWER|LOCKED|UNWRITABLE|NOT_FOUND)|PORT_|CONNECTIONS_|CHANNEL_(EXISTS|WITHOUT|NUMBERS)|TOKENS_|AGENT_|TEAMS?_|CANNED_|LIMIT_|OUTBOX_|HOOKS?_|DEAD_)/
    for (const code of reachable) {
      if (operators.test(code)) continue
      const told = new KefuError(code).peerReport()
      assert.deepEqual(Object.keys(told), ['code', 'message', 'hint', 'retryable'])
      assert.doesNotMatch(told.hint, /\bkefu\b|--|disk|\blog\b|limits\.|\bdaemon\b/, `${code}: ${told.hint}`)
    }
    for (const code of CODES) assert.notEqual(new KefuError(code).peerReport().hint, '', code)
  })

  test('whoever throws gives what the sentence needs', () => {
    none(sources.flatMap(missingDetails))
  })
})

describe('KefuError', () => {
  test('looks everything up in the table', () => {
    const error = new KefuError('KEFU_PORT_TAKEN', { host: '::1', port: 80 })
    assert.equal(error.message, '::1:80 is taken by another program')
    assert.equal(error.exit, 11)
    assert.equal(error.status, 500)
    assert.equal(error.retryable, true)
    assert.deepEqual(Object.keys(error.report()), ['code', 'message', 'hint', 'exit', 'retryable'])
    assert.ok(isKefuError(error) && isKefuError(error, 'KEFU_PORT_TAKEN') && !isKefuError(error, 'KEFU_USAGE'))
  })

  test('anything else that is thrown is a bug, with the original as cause', () => {
    const original = new TypeError('oops')
    const error = toKefuError(original)
    assert.equal(error.code, 'KEFU_INTERNAL')
    assert.equal(error.cause, original)
    assert.equal(toKefuError(error), error)
    assert.equal(toKefuError(undefined).exit, 70)
  })

  test('details are put in as they are, once', () => {
    const error = new KefuError('KEFU_USAGE', { reason: '{reason} {port} $& $1' })
    assert.equal(error.message, '{reason} {port} $& $1')
  })
})

/** Places that throw a code with a written-out detail which lacks a placeholder of its message or hint. */
function missingDetails(source: Source): string[] {
  const wrong: string[] = []
  for (const node of descendants(source.tree)) {
    if (!ts.isNewExpression(node) || node.expression.getText() !== 'KefuError') continue
    const [code, detail] = node.arguments ?? []
    if (code === undefined || !ts.isStringLiteralLike(code) || !(code.text in ERRORS)) continue
    if (detail !== undefined && !ts.isObjectLiteralExpression(detail)) continue
    const properties = detail?.properties ?? []
    if (properties.some(property => ts.isSpreadAssignment(property))) continue
    const given = new Set(properties.map(property => property.name?.getText()))
    const { message, hint } = ERRORS[code.text as ErrorCode]
    for (const [, name] of `${message} ${hint}`.matchAll(/\{(\w+)\}/g))
      if (!given.has(name)) wrong.push(`${where(source, node)} ${code.text} lacks ${name}`)
  }
  return wrong
}

function where({ path, tree }: Source, node: ts.Node): string {
  return `${path}:${lineOf(tree, node)}`
}
