import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHours } from '../../../src/daemon/core/hours.js'
import { hoursSchema } from '../../../src/daemon/engine/registry/hours-schema.js'

const spec = {
  timeZone: 'Asia/Shanghai',
  weekly: [{ days: ['mon', 'fri'], from: '09:00', to: '18:00' }],
  holidays: [
    { from: '2026-10-01', to: '2026-10-07', name: '国庆节' },
    { from: '2026-10-10', open: [{ from: '09:00', to: '24:00' }] },
  ],
}

test('what the schema takes is unchanged, and can be asked', () => {
  const parsed = hoursSchema.parse(JSON.parse(JSON.stringify(spec)))
  assert.deepEqual(parsed, spec)
  assert.equal(createHours(parsed).isOpen(Date.parse('2026-10-10T12:00Z')), true)
})

test('the first fault has its place', () => {
  const wrong: [unknown, string, RegExp][] = [
    [{ ...spec, timeZone: 'Mars/Base' }, 'timeZone', /"Mars\/Base" is not a time zone/],
    [{ ...spec, weekly: [{ ...spec.weekly[0], to: '18:0' }] }, 'weekly.0.to', /"18:0" is not a time/],
    [{ ...spec, weekly: [{ ...spec.weekly[0], days: ['funday'] }] }, 'weekly.0.days.0', /./],
    [{ ...spec, weekly: [{ from: '09:00', to: '18:00' }] }, 'weekly.0.days', /./],
    [{ ...spec, holidays: [{ from: '2026-10-01', til: '2026-10-07' }] }, 'holidays.0', /til/],
    [{ ...spec, holidays: [{ from: '2026-10-01', to: '2026-09-07' }] }, 'holidays.0.to', /is before the first day/],
    [{ timeZone: 'UTC', weekly: [] }, 'holidays', /./],
    ['Mon-Fri 09:00-18:00', '', /./],
  ]
  for (const [value, path, message] of wrong) {
    const issue = hoursSchema.safeParse(value).error?.issues[0]
    assert.equal(issue?.path.join('.'), path)
    assert.match(issue.message, message)
  }
})
