import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { createHandlers } from '../../src/daemon/control/handlers.js'
import { isOperation, OPERATIONS, type Operation } from '../../src/daemon/control/operations.js'
import { filesUnder, none, readText } from '../helpers/project.js'

const NAMES = Object.keys(OPERATIONS) as Operation[]

describe('the operations table', () => {
  test('every row is complete and its name is a noun and a verb', () => {
    for (const name of NAMES) {
      const { summary, since } = OPERATIONS[name]
      assert.match(name, /^[a-z]+\.[a-z]+$/)
      assert.ok(summary.length > 3 && !/[.]$/.test(summary), name)
      assert.match(since, /^\d+\.\d+\.\d+$/)
    }
    assert.equal(isOperation('agent.add'), true)
    for (const name of ['', 'toString', '__proto__', 'agent']) assert.equal(isOperation(name), false)
  })

  test('what a verb says about changing things is so', () => {
    const reading = /\.(status|show|list|info|check|dead|explain|simulate|search|count|tail|export|trace|stats)$/
    none(NAMES.filter(name => OPERATIONS[name].mutates === reading.test(name)))
  })

  test('every operation has a handler, and every handler an operation', () => {
    const nothing = new Proxy({}, { get: () => () => undefined }) as Parameters<typeof createHandlers>[0]
    assert.deepEqual(Object.keys(createHandlers(nothing)).sort(), [...NAMES].sort())
  })

  test('requests refuse fields that they do not know', () => {
    const full = {
      name: 'a',
      kind: 'web',
      origins: [],
      mode: 'now',
      replace: true,
      deep: true,
      since: 1,
      limit: 1,
      cursor: 'x',
      conversation: 'c_00000000000000000000000000',
      command: { do: 'requeue' },
      messages: ['c_00000000000000000000000000:1'],
      texts: [{ language: 'zh', text: 'x' }],
      ref: 'shop/v_1',
      n: 1,
      lines: [{}],
      refs: ['shop/v_1', 'shop/v_2'],
      set: { name: 'x' },
      owner: 'shop',
      value: 'x',
      keepMs: 0,
      url: 'https://shop.example/in',
      seq: 1,
    }
    for (const name of NAMES) {
      const schema = OPERATIONS[name].request as z.ZodObject
      const known = {
        ...Object.fromEntries(Object.entries(full).filter(([key]) => key in schema.shape)),
        ...(name === 'history.stats' && { by: ['day'] }),
      }
      // A field of others has this name.
      if (name === 'history.stats') known.by = ['day']
      assert.equal(schema.safeParse(known).success, true, name)
      assert.equal(schema.safeParse({ ...known, unknown: 1 }).success, false, name)
    }
  })

  test('requests and answers can be described as JSON Schema', () => {
    for (const name of NAMES) {
      assert.equal(z.toJSONSchema(OPERATIONS[name].request).type, 'object')
      const answer = z.toJSONSchema(OPERATIONS[name].answer)
      assert.ok(answer.type === 'object' || answer.oneOf !== undefined || answer.anyOf !== undefined, name)
    }
  })

  test('every operation can be used from the command line', () => {
    const commands = filesUnder('src/commands').map(readText).join('\n')
    none(NAMES.filter(name => !commands.includes(`'${name}'`)))
  })
})
