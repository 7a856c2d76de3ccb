import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readConfig } from '../../src/daemon/config/load.js'
import { CONFIG_KEYS, configRow, environmentName, RESERVED_ENVIRONMENT } from '../../src/daemon/config/schema.js'
import { allowedValues, defaultValue, formatValue, parseValue } from '../../src/daemon/config/value.js'
import { filesUnder, none, readText } from '../helpers/project.js'

describe('the configuration table', () => {
  test('every row is complete, and its default is valid and reads back as itself', () => {
    for (const key of CONFIG_KEYS) {
      const row = configRow(key)
      assert.match(key, /^[a-z]+(\.[a-z][A-Za-z0-9]*)?$/)
      assert.ok(row.doc.length > 20 && !/[.]$/.test(row.doc), `${key}: ${row.doc}`)
      assert.match(row.since, /^\d+\.\d+\.\d+$/)
      const value = defaultValue(row)
      assert.deepEqual(parseValue(row, formatValue(row, value)), { ok: true, value }, key)
      assert.ok(allowedValues(row).length > 0)
    }
  })

  test('environment names are derived, unique, and clash with no reserved name', () => {
    const names = CONFIG_KEYS.map(environmentName)
    assert.equal(new Set(names).size, names.length)
    none(names.filter(name => (RESERVED_ENVIRONMENT as readonly string[]).includes(name)))
    none(names.filter(name => !/^KEFU(_[A-Z0-9]+)+$/.test(name)))
    assert.equal(environmentName('http.port'), 'KEFU_HTTP_PORT')
    assert.equal(environmentName('limits.messagesPer10s'), 'KEFU_LIMITS_MESSAGES_PER_10S')
    assert.equal(environmentName('limits.connectionsPerAddress'), 'KEFU_LIMITS_CONNECTIONS_PER_ADDRESS')
  })

  test('every reserved name that kefu reads itself is in the list', () => {
    const read = filesUnder('src').flatMap(path =>
      [...readText(path).matchAll(/(?:env|environment|variables)\.(KEFU_\w+)|own\('(KEFU_\w+)'\)/g)].map(
        match => match[1] ?? match[2]!,
      ),
    )
    none(read.filter(name => !(RESERVED_ENVIRONMENT as readonly string[]).includes(name)))
  })

  test('every value is a field of the typed record, with its unit, and the daemon reads it', async () => {
    const { config } = await readConfig({ flags: new Map(), environment: {}, file: '/does/not/exist.yaml' })
    const daemon = filesUnder('src')
      .filter(path => !path.startsWith('src/daemon/config/'))
      .map(readText)
      .join('\n')
    for (const key of CONFIG_KEYS) {
      const [name, section] = key.split('.').reverse() as [string, string | undefined]
      const field = configRow(key).type === 'duration' ? `${name}Ms` : name
      const holder = (section === undefined ? config : config[section as keyof typeof config]) as Record<
        string,
        unknown
      >
      assert.deepEqual(holder[field], defaultValue(configRow(key)), key)
      assert.match(
        daemon,
        new RegExp(`\\b${section === undefined ? 'config' : section}\\.${field}\\b`),
        `${key} is not read`,
      )
    }
  })
})
