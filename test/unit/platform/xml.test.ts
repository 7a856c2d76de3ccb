import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { XMLParser } from 'fast-xml-parser'
import { cdata, formatXml, parseXml, xmlText } from '../../../src/platform/xml.js'
import { codePoint } from '../../helpers/arbitraries.js'
import { FUZZ_COUNT, fuzzDecoder } from '../../helpers/mutate.js'
import { WECHAT_VECTORS } from '../../helpers/wechat-vectors.js'

const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,15}$/)
const SAMPLE = '<xml><A><![CDATA[x]]></A><B>17</B><C><D>1</D><D>2</D><D>3</D><E/></C></xml>'

describe('parseXml', () => {
  it('reads what formatXml writes, whatever is in the texts', () => {
    const values = fc.oneof(fc.string({ unit: codePoint(), maxLength: 60 }), fc.nat())
    fc.assert(
      fc.property(fc.dictionary(names, values, { maxKeys: 8, noNullPrototype: true, minKeys: 1 }), fields => {
        const texts = Object.entries(fields).map(([name, value]) => [name, String(value)])
        assert.deepEqual(parseXml(formatXml(fields)), Object.fromEntries(texts))
      }),
    )
  })

  it('reads the messages of the vectors as another parser does', () => {
    const other = new XMLParser({ processEntities: false, parseTagValue: false, ignoreAttributes: true })
    const messages = Object.values(WECHAT_VECTORS).flatMap(vector => ('message' in vector ? [vector.message] : []))
    const documents = messages.filter(message => message.startsWith('<xml>'))
    assert.ok(documents.length >= 4)
    for (const document of [...documents, SAMPLE.replace('<E/>', '<E></E>')])
      assert.deepEqual(parseXml(document), other.parse(document).xml)
  })

  it('keeps all digits, the blanks of texts, and markup in texts', () => {
    const text = ' <!DOCTYPE html> <!-- a --> &lt;b&gt; ]] > '
    const fields = parseXml(`<xml>\n <Id> 24300000000000001\n</Id>\n<Text>\n${cdata(text)}</Text></xml>\n`)
    assert.deepEqual(fields, { Id: '24300000000000001', Text: text })
    assert.deepEqual(parseXml(formatXml({ a: ']]>]]>', n: 5 })), { a: ']]>]]>', n: '5' })
  })

  it('reads lists, nested and empty elements, and a declaration before them', () => {
    assert.deepEqual(parseXml('\uFEFF<?xml version="1.0" encoding="UTF-8"?>\n<xml><A></A></xml>'), { A: '' })
    assert.deepEqual(parseXml('<xml><C><D>1</D><D><![CDATA[2]]></D><D>3</D></C></xml>'), { C: { D: ['1', '2', '3'] } })
    assert.equal(xmlText(parseXml('<xml><C><D>1</D></C></xml>'), 'C'), undefined)
    assert.equal(xmlText(parseXml('<xml><C>1</C></xml>'), 'C'), '1')
  })

  it('leaves entities alone and refuses everything that could be expanded', () => {
    assert.deepEqual(parseXml('<xml><A>&lt;&amp;&#65;</A></xml>'), { A: '&lt;&amp;&#65;' })
    const refused = [
      '<!DOCTYPE xml [<!ENTITY x "y">]><xml><A>&x;</A></xml>',
      '<xml><!ENTITY x "y"><A>1</A></xml>',
      '<xml><!-- a --><A>1</A></xml>',
      '<xml><A b="c">1</A></xml>',
      '<xml xmlns="u"><A>1</A></xml>',
      '<xml><?php ?></xml>',
      '<xml><__proto__><a>1</a></__proto__></xml>',
    ]
    for (const text of refused) assert.throws(() => parseXml(text), Error, text)
  })

  it('refuses what is not one whole element named xml', () => {
    const refused = [
      ...['', ' ', 'x', '<', '<xml', '<xml>', '</xml>', '<xml></xm>', '<xml><A></xml>', '<xml><A></B></xml>'],
      ...['<html><A>1</A></html>', '<xml>text</xml>', '<xml/>', '<xml></xml>', '<xml>a<A>1</A></xml>'],
      ...['<xml><A>1</A></xml><xml><A>1</A></xml>', '<xml><A>1</A></xml>x', '<xml><A><![CDATA[x]></A></xml>'],
      ...['<xml><>1</></xml>', '<xml><1>1</1></xml>', `<xml><${'a'.repeat(200)}>1</${'a'.repeat(200)}></xml>`],
      ...[`<xml>${'<a>'.repeat(17)}1${'</a>'.repeat(17)}</xml>`, `<xml>${'<a>1</a>'.repeat(5_000)}</xml>`],
    ]
    for (const text of refused) assert.throws(() => parseXml(text), Error, text)
  })

  it('does not take inherited names for fields', () => {
    const fields = parseXml('<xml><constructor>1</constructor><toString>2</toString></xml>')
    assert.equal(xmlText(fields, 'constructor'), '1')
    assert.equal(xmlText(fields, 'valueOf'), undefined)
  })

  it('reads anything or says why not, in bounded time', async () => {
    const corpus = [SAMPLE.replace('<E/>', '<E></E>'), WECHAT_VECTORS['the demo of the SDKs'].message]
    const { values, errors } = await fuzzDecoder({
      name: 'parseXml',
      seed: 41,
      count: FUZZ_COUNT / 4,
      corpus: corpus.map(text => Buffer.from(text)),
      decode: bytes => parseXml(Buffer.from(bytes).toString()),
      isExpectedError: error => error instanceof Error && error.constructor === Error,
    })
    assert.ok(values > 0 && errors > 0)
  })
})
