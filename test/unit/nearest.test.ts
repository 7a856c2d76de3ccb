import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest, suggestion } from '../../src/nearest.js'

const COMMANDS = ['agent', 'channel', 'config', 'daemon', 'status', 'http.port', '小王']

test('finds words within two edits, swapped neighbours and beginnings', () => {
  assert.equal(nearest('agnet', COMMANDS), 'agent')
  assert.equal(nearest('AGENT', COMMANDS), 'agent')
  assert.equal(nearest('chanel', COMMANDS), 'channel')
  assert.equal(nearest('chn', COMMANDS), undefined)
  assert.equal(nearest('conf', COMMANDS), 'config')
  assert.equal(nearest('htp.prt', COMMANDS), 'http.port')
  assert.equal(nearest('小玉', COMMANDS), undefined)
})

test('does not guess when nothing is near', () => {
  assert.equal(nearest('zz', COMMANDS), undefined)
  assert.equal(nearest('', COMMANDS), undefined)
  assert.equal(nearest('statistics', COMMANDS), undefined)
  assert.equal(nearest('x'.repeat(10_000), COMMANDS), undefined)
  assert.equal(nearest('ab', ['xy']), undefined)
})

test('takes the nearer of two', () => {
  assert.equal(nearest('tokem', ['totem', 'token']), 'totem')
  assert.equal(nearest('abcdefgh', ['abcdefxy', 'abcdefgx']), 'abcdefgx')
})

test('reads as the end of a sentence', () => {
  assert.equal(suggestion('statos', COMMANDS), ', did you mean "status"?')
  assert.equal(suggestion('nothing', COMMANDS), '')
})
