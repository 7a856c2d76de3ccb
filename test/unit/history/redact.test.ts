import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { REDACTION_NAMES, redactText, redactValue } from '../../../src/history/redact.js'

const redact = (text: string): string => redactText(text, REDACTION_NAMES)

/** Each text stands alone, and among words without spaces and digits apart by them. */
function gone(kind: string, texts: readonly string[]): void {
  for (const text of texts) {
    assert.equal(redact(text), `[${kind}]`, text)
    assert.equal(redact(`我的是${text},谢谢`), `我的是[${kind}],谢谢`, text)
    assert.equal(redact(`(${text})`), `([${kind}])`, text)
    assert.equal(redact(`买 2 件。${text} 共 3 天`), `买 2 件。[${kind}] 共 3 天`, text)
    assert.equal(redact(`${text}\n${text}`), `[${kind}]\n[${kind}]`, text)
  }
}

function stays(texts: readonly string[]): void {
  for (const text of texts) assert.equal(redact(text), text)
}

describe('what is taken out', () => {
  test('Chinese mobiles', () => {
    gone('phone', [
      '13812345678',
      '138 1234 5678',
      '138-1234-5678',
      '138.1234.5678',
      '138 123 45678',
      '138 12345678',
      '1 3 8 1 2 3 4 5 6 7 8',
      '+8613812345678',
      '+86 138 1234 5678',
      '+86-138-1234-5678',
      '008613812345678',
      '0086 138 1234 5678',
      '8613812345678',
      '(+86)13812345678',
      '(86) 138 1234 5678',
      '013812345678',
      '138\u30001234\u20095678',
      '１３８１２３４５６７８',
      '１３８－１２３４－５６７８',
      '＋８６ １３８１２３４５６７８',
      '138—1234—5678',
      '19912345678',
      '16612345678',
    ])
    assert.equal(redact('13812345678 3 天内'), '[phone] 3 天内')
    assert.equal(redact('手机:13812345678/13987654321'), '手机:[phone]/[phone]')
    assert.equal(redact('tel13812345678'), 'tel[phone]')
  })

  test('landlines and numbers of companies', () => {
    gone('phone', [
      '010-82345678',
      '010 8888 6666',
      '01088886666',
      '(010)88886666',
      '（010）88886666',
      '021-6543210',
      '0755-26001234',
      '0755-26001234-801',
      '0755-26001234转801',
      '+86 755 2600 1234',
      '+86-10-88886666',
      '400-810-8888',
      '800 820 8820',
    ])
  })

  test('international numbers', () => {
    gone('phone', [
      '+1 415 555 2671',
      '+1 (415) 555-2671',
      '+14155552671',
      '+44 20 7946 0958',
      '+442079460958',
      '+852 2123 4567',
      '+81-3-1234-5678',
      '+49 (30) 123456-78',
      '(415) 555-2671',
      '415-555-2671',
    ])
  })

  test('addresses of e-mail', () => {
    gone('email', [
      'li.lei@example.com',
      'li+tag@mail.example.com.cn',
      '123456@qq.com',
      'a_b-c%d@sub.example.museum',
      'ｌｉ＠ｅｘａｍｐｌｅ．ｃｏｍ',
      '13812345678@139.com',
    ])
    assert.equal(redact('<li@example.com>.'), '<[email]>.')
    assert.equal(redact('邮箱li@example.com。'), '邮箱[email]。')
  })

  test('identity cards', () => {
    gone('id-card', [
      '11010519491231002X',
      '11010519491231002x',
      '440524188001010014',
      '110105 19491231 002X',
      '110105-19491231-002X',
      '１１０１０５１９４９１２３１００２Ｘ',
      '110105491231002',
    ])
  })

  test('several kinds in one text, and only those that are asked for', () => {
    const text = '李雷 13812345678 li@example.com 11010519491231002X'
    assert.equal(redact(text), '李雷 [phone] [email] [id-card]')
    assert.equal(redactText(text, ['email']), '李雷 13812345678 [email] 11010519491231002X')
    assert.equal(redactText(text, []), text)
  })
})

describe('what stays', () => {
  test('numbers of orders, parcels and goods', () => {
    stays([
      '订单号 202611161234567890',
      '订单20261116123456',
      '单号 SF1234567890123',
      'YT7412345678901',
      '4200001234567890123',
      '订单 138123456789',
      '订单 1381234567',
      '2026-138-1234-5678',
      '2-138-1234-5678',
      '12345678901',
      '10000000000',
      '23812345678',
      'SKU 6901234567892',
      '112-3456789-1234567',
      'ISBN 978-7-302-51276-2',
    ])
  })

  test('identity numbers that cannot be right', () => {
    stays([
      '110105194912310021',
      '110105194913310028',
      '990105194912310027',
      '202311111234567',
      '1101054912310020000',
      '11010519491231002XY',
    ])
  })

  test('dates, times, prices, versions, addresses of computers', () => {
    stays([
      '2026-11-16 08:00:00',
      '2026-11-16T08:00:00.000Z',
      '1700000000000',
      '¥13,812,345.678',
      '3.14159265358',
      '1+1=2',
      '+100 分',
      '192.168.100.200',
      '10.20.30.40:8080',
      'v1.38.1234',
      '8888-6666',
      '@小王 你好',
      'a@b',
      '5 @ 3.50',
    ])
  })

  test('a text without any of them is the same text', () => {
    const text = '你好,请问这款还有货吗?😀'
    assert.equal(redact(text), text)
    assert.equal(redact('１２３ ＡＢＣ　ｄ'), '１２３ ＡＢＣ　ｄ')
  })
})

test('all words of a record, and nothing that is its own', () => {
  const phone = '13812345678'
  const record = {
    type: 'record',
    conversation: `c_${phone}`,
    n: 13812345678,
    at: 1_700_000_000_000,
    channel: `shop ${phone}`,
    contact: `u_${phone}`,
    name: phone,
    body: {
      type: 'message',
      by: { role: 'agent', id: phone, name: phone },
      id: phone,
      parts: [
        { type: 'text', text: phone },
        { type: 'image', media: `m_${phone}`, name: `${phone}.png`, bytes: 13812345678 },
        { type: 'card', title: phone, text: phone, url: `https://example.com/${phone}` },
        { type: 'choices', text: phone, choices: [{ id: phone, label: phone }] },
        { type: 'event', name: 'x', data: { phone: 13812345678, [phone]: phone, count: 5, type: phone } },
      ],
      attributes: { tel: phone },
    },
  }
  const text = JSON.stringify(redactValue(record, REDACTION_NAMES))
  const left = text.split(phone).length - 1
  // The conversation, the file, and three numbers of which kefu counts.
  assert.equal(left, 4, text)
  assert.ok(text.includes(`"conversation":"c_${phone}"`) && text.includes(`"media":"m_${phone}"`))
})

test('hostile texts take time in proportion to their length', () => {
  for (const piece of ['1', '1 ', '+1', '0', '(', 'a@', 'a.', 'a', '138-', '1101051949', '@', '.com']) {
    const started = performance.now()
    redact(piece.repeat(40_000 / piece.length))
    assert.ok(performance.now() - started < 1_500, piece)
  }
})
