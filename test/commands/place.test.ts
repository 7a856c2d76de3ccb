import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeOf, withPlace } from '../../src/commands/_cli/place.js'
import { ERRORS } from '../../src/errors.js'
import { readJson } from '../helpers/project.js'

test('places are found in every form of a flag, the last one counts, and made absolute', () => {
  assert.deepEqual(placeOf(['status', '--home', '/a', '--socket=/b c', '--config=x.yaml']), [
    '--home',
    '/a',
    '--socket',
    '/b c',
    '--config',
    `${process.cwd()}/x.yaml`,
  ])
  assert.deepEqual(placeOf(['status', '--home', '/a', '--home=/b']), ['--home', '/b'])
  for (const argv of [['status'], ['status', '--home'], ['status', '--home='], ['x', '--', '--home', '/a']])
    assert.deepEqual(placeOf(argv), [])
})

test('every command of kefu in a sentence gets the places, and nothing else does', () => {
  const { commands } = readJson<{ readonly commands: Record<string, object> }>('oclif.manifest.json')
  for (const id of Object.keys(commands)) {
    const words = id.replaceAll(':', ' ')
    assert.equal(
      withPlace(`Next: kefu ${words}, or wait`, ['--home', "/it's"]),
      `Next: kefu --home '/it'\\''s' ${words}, or wait`,
    )
    assert.equal(withPlace(`Next: kefu ${words}`, []), `Next: kefu ${words}`)
  }
  const hints = Object.values(ERRORS).map(({ hint }) => withPlace(hint, ['--home', '/h']))
  // Its first word is filled in before a hint is shown.
  const bare = hints.filter(hint => /\bkefu (?!--|COMMAND|\{kind\})/.test(hint))
  assert.deepEqual(bare, ['use the kefu of the same version as the daemon'])
})
