import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WEEK_DAYS, type WeeklySpan } from '../../../src/daemon/core/hours-spec.js'
import { formatWeekly, parseWeekly } from '../../../src/daemon/core/hours-text.js'
import { isKefuError } from '../../../src/errors.js'

test('days and times, lists and ranges', () => {
  assert.deepEqual(parseWeekly('Mon-Fri 09:00-18:00; Sat 10:00-16:00'), [
    { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '18:00' },
    { days: ['sat'], from: '10:00', to: '16:00' },
  ])
  assert.deepEqual(parseWeekly('Sat-Mon 22:00-06:00'), [{ days: ['sat', 'sun', 'mon'], from: '22:00', to: '06:00' }])
  assert.deepEqual(parseWeekly(' wednesday , MON-tues,Mon   9:00 - 12:00 , 13:00-24:00 ; '), [
    { days: ['wed', 'mon', 'tue'], from: '09:00', to: '12:00' },
    { days: ['wed', 'mon', 'tue'], from: '13:00', to: '24:00' },
  ])
  assert.deepEqual(parseWeekly('Sun-Sun 00:00-24:00'), [{ days: ['sun'], from: '00:00', to: '24:00' }])
  assert.deepEqual(parseWeekly('Closed'), [])
})

test('the shortest text', () => {
  const texts = [
    'Mon-Fri 09:00-18:00; Sat 10:00-16:00',
    'Mon-Fri 09:00-12:00,13:00-18:00',
    'Sat-Mon 22:00-06:00',
    'Wed,Sat-Mon 22:00-06:00',
    'Mon,Wed,Sat 09:00-18:00',
    'Sun,Mon 09:00-18:00',
    'Mon-Sun 00:00-24:00',
    'closed',
  ]
  for (const text of texts) assert.equal(formatWeekly(parseWeekly(text)), text)
  assert.equal(
    formatWeekly(parseWeekly('Mon 09:00-12:00; Tue 1:00-2:00; monday 13:00-18:00')),
    'Mon 09:00-12:00,13:00-18:00; Tue 01:00-02:00',
  )
})

test('what is wrong is named', () => {
  const wrong: [string, string][] = [
    ['', 'no hours: write days and times'],
    ['Mon 09:00-18:00;;Tue 09:00-18:00', 'no hours'],
    ['Mon-Fri', '"Mon-Fri" has no times'],
    ['09:00-18:00', '"09:00-18:00" has no days'],
    ['Mon-Fry 09:00-18:00', '"Fry" is not a day'],
    ['Mo 09:00-18:00', '"Mo" is not a day'],
    ['Mon, 09:00-18:00', '"" is not a day'],
    ['周一至周五 09:00-18:00', '"周一至周五" is not a day'],
    ['Mon-Wed-Fri 09:00-18:00', '"Mon-Wed-Fri" is not a range of days'],
    ['Mon 09:00', '"09:00" is not a span of time'],
    ['Mon 09:00-12:00-18:00', '"09:00-12:00-18:00" is not a span of time'],
    ['Mon 09:00-18:00,', '"" is not a span of time'],
    ['Mon 9am-18:00', '"9am" is not a time from 00:00 to 23:59'],
    ['Mon 24:00-18:00', '"24:00" is not a time from 00:00 to 23:59'],
    ['Mon 09:00-24:01', '"24:01" is not a time from 00:00 to 24:00'],
    ['Mon 09:00-18:00 Tue 09:00-18:00', '"09:00-18:00 Tue 09:00-18:00" is not a span of time'],
    [`Mon ${'09:00-18:00,'.repeat(64)}09:00-18:00`, 'these are 65 spans, at most 64'],
    ['x'.repeat(5000), 'the hours are longer than'],
  ]
  for (const [text, reason] of wrong)
    assert.throws(
      () => parseWeekly(text),
      error => isKefuError(error, 'KEFU_USAGE') && error.message.startsWith(reason),
      text,
    )
})

test('text and back means the same', () => {
  const time = fc.constantFrom('00:00', '05:30', '09:00', '12:15', '23:59')
  const span = fc.record({ days: fc.subarray([...WEEK_DAYS], { minLength: 1 }), from: time, to: time })
  const each = (weekly: readonly WeeklySpan[]) =>
    weekly.flatMap(({ days, from, to }) => days.map(day => `${day} ${from}-${to}`)).sort()
  fc.assert(
    fc.property(fc.array(span, { maxLength: 8 }), weekly => {
      const again = parseWeekly(formatWeekly(weekly))
      assert.deepEqual(each(again), each(weekly))
      assert.equal(formatWeekly(again), formatWeekly(weekly))
    }),
  )
})
