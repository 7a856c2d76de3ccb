import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MEDIA_TYPES } from '../../src/daemon/core/media.js'
import { detectType } from '../../src/daemon/media/type.js'

const bytesOf = (text: string) => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(64)])
const typeOf = (text: string, declared?: string) => detectType(bytesOf(text), declared).type

describe('the type of an upload', () => {
  test('is found in its bytes', () => {
    const cases: readonly (readonly [string, string, string?])[] = [
      ['\x89PNG\r\n\x1a\n', 'image/png'],
      ['\xff\xd8\xff\xe0', 'image/jpeg'],
      ['GIF89a', 'image/gif'],
      ['RIFF\0\0\0\0WEBPVP8 ', 'image/webp'],
      ['RIFF\0\0\0\0WAVEfmt ', 'audio/wav'],
      ['\0\0\0\x1cftypavif', 'image/avif'],
      ['\0\0\0\x1cftypheic', 'image/heic'],
      ['\0\0\0\x1cftypisom', 'video/mp4'],
      ['\0\0\0\x1cftypisom', 'audio/mp4', 'audio/mp4'],
      ['\0\0\0\x1cftypM4A ', 'audio/mp4'],
      ['\0\0\0\x14ftypqt  ', 'video/quicktime'],
      ['\x1a\x45\xdf\xa3', 'video/webm'],
      ['\x1a\x45\xdf\xa3', 'audio/webm', 'Audio/WebM; codecs=opus'],
      ['OggS\0', 'audio/ogg'],
      ['OggS\0', 'video/ogg', 'video/ogg'],
      ['fLaC', 'audio/flac'],
      ['#!AMR\n', 'audio/amr'],
      ['ID3\x03', 'audio/mpeg'],
      ['\xff\xfb\x90', 'audio/mpeg'],
      ['\xff\xf1\x50', 'audio/aac'],
      ['%PDF-1.7', 'application/pdf'],
    ]
    for (const [head, type, declared] of cases) assert.equal(typeOf(head, declared), type)
  })

  test('is never what the sender says against the bytes', () => {
    assert.equal(typeOf('\xff\xd8\xff\xe0', 'image/png'), 'image/jpeg')
    assert.equal(typeOf('nothing known', 'image/png'), 'application/octet-stream')
    assert.equal(typeOf('RIFF\0\0\0\0AVI LIST', 'video/mp4'), 'application/octet-stream')
    assert.equal(typeOf('xxxx\0\0\0\0WEBP', 'image/webp'), 'application/octet-stream')
    assert.equal(typeOf('BM\0\0', 'image/bmp'), 'application/octet-stream')
    assert.equal(typeOf('\0\0\0\x1cftypisom', 'text/html'), 'video/mp4')
  })

  test('is text only when it is text and said so', () => {
    const text = Buffer.from('name,价格\nA,1\n')
    for (const type of ['text/plain', 'text/csv', 'text/markdown', 'application/json'] as const)
      assert.deepEqual(detectType(text, `${type}; charset=utf-8`), { type, isText: true })
    assert.deepEqual(detectType(text, undefined), { type: 'application/octet-stream', isText: true })
    assert.equal(detectType(Buffer.of(0xff, 0x41), 'text/plain').type, 'application/octet-stream')
    assert.equal(detectType(Buffer.from('a\0b'), 'text/plain').type, 'application/octet-stream')
  })

  test('is unknown for whatever can carry script', () => {
    const scripts = [
      '<!doctype html><script>alert(1)</script>',
      '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
      '<?xml version="1.0"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
      'alert(1)',
    ]
    const types = [
      'text/html',
      'image/svg+xml',
      'text/xml',
      'application/xhtml+xml',
      'text/javascript',
      'application/x',
    ]
    for (const script of scripts)
      for (const declared of [...types, 'TEXT/HTML;charset=utf-8', ' image/svg+xml '])
        assert.equal(detectType(Buffer.from(script), declared).type, 'application/octet-stream')
  })

  test('is one of the table, for any bytes and any text', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor')),
        (bytes, text) => {
          assert.ok(Object.hasOwn(MEDIA_TYPES, detectType(bytes, text).type))
        },
      ),
    )
    for (const type of Object.keys(MEDIA_TYPES)) assert.doesNotMatch(type, /html|svg|xml|script/)
  })
})
