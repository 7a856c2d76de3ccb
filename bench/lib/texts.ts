/** What visitors write: Chinese and English as shops hear them, so that compression and UTF-8 cost what they cost in use. */

const PHRASES = [
  '你好,请问这款还有货吗?',
  '我昨天下的单,什么时候发货?',
  '订单号是 ',
  'Hi, my parcel has not arrived yet.',
  '能不能帮我改一下收货地址?',
  'Is there a discount for two pieces?',
  '退款一般几天到账?',
  '尺码偏大还是偏小,我平时穿 ',
  'Could you send me the invoice, please?',
  '发票抬头写公司名称可以吗?',
  'The size does not fit, I want to exchange it.',
  '客服在吗?',
  '快递显示已签收,但是我没有收到。',
  '谢谢,已经解决了。',
  'Which courier do you use to Shenzhen?',
  '颜色和图片不太一样,',
  '优惠券为什么不能用?',
  'Please cancel the order ',
]

const POOL = 512

/** Texts of about `bytes` bytes in UTF-8 each, the same for the same length. */
export function createTexts(bytes: number): readonly string[] {
  const random = createRandom(bytes)
  return Array.from({ length: POOL }, () => createText(bytes, random))
}

function createText(bytes: number, random: () => number): string {
  let text = ''
  while (Buffer.byteLength(text) < bytes) {
    text += PHRASES[Math.floor(random() * PHRASES.length)]
    if (random() < 0.4) text += Math.floor(random() * 1e9).toString(10)
  }
  while (Buffer.byteLength(text) > bytes) text = text.slice(0, -1)
  return text.padEnd(text.length + bytes - Buffer.byteLength(text), '.')
}

/** A linear congruential generator (modulus 2^32): all that texts need. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 0x1_0000_0000
  }
}
