import * as W from './chat-words.js'

/**
 * What customers and agents write to each other: mainly Chinese, some English, with the numbers that are searched for later. Words are as frequent as words are (the
 * n-th about 1/n as often as the first), and there are several thousand of them, as most names are put together. About 60 bytes of UTF-8 each.
 */

/** Random numbers from 0 (inclusive) to 1, the same for the same seed. */
export type Random = () => number

/** A generator for texts and queries: 32 bits of state. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** Whole number from `from` to `to`, both inclusive. */
export function between(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1))
}

/** One of them, the earlier the more often: the n-th about 1/n as often as the first. */
export function frequent<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor((items.length + 1) ** random()) - 1]!
}

/** One of them, each as often as the others. */
export function any<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

/** What stands for a slot of a sentence. */
const SLOTS: Readonly<Record<string, (random: Random) => string>> = {
  goods: random => frequent(random, W.GOODS),
  look: random => frequent(random, W.LOOKS),
  trouble: random => frequent(random, W.TROUBLES),
  wish: random => frequent(random, W.WISHES),
  carrier: random => frequent(random, W.CARRIERS),
  place: random => frequent(random, W.PLACES),
  time: random => frequent(random, W.TIMES),
  opener: random => frequent(random, W.OPENERS),
  brand: random => frequent(random, W.NAME_CHARACTERS) + frequent(random, W.NAME_CHARACTERS),
  person: random =>
    frequent(random, W.FAMILIES) +
    any(random, W.NAME_CHARACTERS) +
    (random() < 0.5 ? any(random, W.NAME_CHARACTERS) : ''),
  order: orderNumber,
  phone: phoneNumber,
  parcel: random => `${any(random, ['SF', 'YT', 'ZT', 'JD'])}${digits(random, 12)}`,
  model: random => `${any(random, ['A', 'X', 'Pro', 'K', 'Mate', 'S', 'V', 'T'])}${between(random, 1, 99)}`,
  price: random => `${between(random, 1, 999)}${random() < 0.4 ? `.${digits(random, 2)}` : ''}`,
  few: random => String(between(random, 1, 12)),
  size: random => any(random, ['S', 'M', 'L', 'XL', 'XXL', '36', '38', '40', '42', '170/92A']),
  mail: random => `${frequent(random, W.MAILBOXES)}${between(random, 1, 999)}@${frequent(random, W.DOMAINS)}`,
  thing: random => frequent(random, W.THINGS),
  state: random => frequent(random, W.STATES),
  emoji: random => frequent(random, W.EMOJI),
}

/** Sentences, frequent ones first. */
const SENTENCES = `
{opener}我买的{goods}{trouble}
{opener}{look}的{goods}还有货吗？
订单{order}{time}能发货吗？
{opener}怎么{wish}？
这个{goods}{trouble}，我要{wish}
订单号是{order}，麻烦{wish}
亲，您的包裹已由{carrier}发出，单号{parcel}，请注意查收
已经帮您登记{wish}，{time}会有专员联系您
可以发{carrier}吗？我在{place}
{brand}的{goods}和{goods}哪个好用？
您好，{brand}旗舰店客服{person}为您服务
收件人{person}，电话{phone}，地址{place}市
请问{goods}的{look}什么时候补货
I have not received my {thing} yet, order {order}
{time}下的单，怎么到现在{trouble}
我平时穿{size}码，这款{goods}要拍大一码吗
退款{price}元{time}到账，请留意
my {thing} is {state}, please help
这边显示{carrier}在{place}{trouble}，帮您催一下
{brand}{model}这个{goods}支持七天无理由{wish}吗
麻烦把发票发到{mail}，抬头写{brand}科技有限公司
亲，{goods}{look}款今天下单立减{price}元哦{emoji}
你们的{goods}真不错{emoji}下次还来
The {thing} was {state}. Can I get a {thing}?
{person}你好，关于{wish}的问题，已经转给{place}仓库处理
一共买了{few}件，{few}件{look}的{trouble}
能不能{time}之前送到{place}？急用{emoji}
{opener}会员{phone}想{wish}，但是页面一直提示失败
没有收到验证码，手机号{phone}
{goods}跟图片上的{look}不一样，{trouble}
同款{goods}别家才{price}，能便宜点吗
Please change the address of order {order}, phone {phone}
这是{brand}{goods}的使用视频，您先看一下，不会的话再联系{person}
{carrier}说{time}派送，结果{trouble}{emoji}
请提供一下订单号和{goods}的照片，我们核实后为您{wish}
Which {thing} fits {model}? The old {thing} is {state}
{place}这边下雪，{carrier}可能要晚{few}天，您看可以吗
可以的，{wish}之后{price}元会原路退回
换成{look}的可以吗，{size}码
加我微信{brand}{few}{few}聊{wish}的事
`

type Sentence = readonly (string | ((random: Random) => string))[]

const COMPILED: readonly Sentence[] = SENTENCES.trim()
  .split('\n')
  .map(line => line.split(/[{}]/).map((piece, index) => (index % 2 === 0 ? piece : SLOTS[piece]!)))

/** Texts one after the other, the same for the same seed. */
export function createChatText(seed: number): () => string {
  const random = createRandom(seed)
  return () => {
    const kind = random()
    if (kind < 0.1) return frequent(random, W.NODS) + (random() < 0.2 ? frequent(random, W.EMOJI) : '')
    let text = kind < 0.45 ? clause(random) : sentence(random)
    if (kind < 0.4 || kind > 0.66) text += `${any(random, ['，', '。', ' ', ',', '\n', '！'])}${clause(random)}`
    if (kind > 0.97) return fullWidth(text)
    return kind > 0.96 ? text.toUpperCase() : text
  }
}

/** A number of an order, as several systems write it. */
export function orderNumber(random: Random): string {
  const kind = random()
  const day = `20${between(random, 23, 26)}${two(between(random, 1, 12))}${two(between(random, 1, 28))}`
  if (kind < 0.6) return day + digits(random, 8)
  return kind < 0.8 ? `DD${day}-${digits(random, 5)}` : digits(random, 18)
}

/** A mobile phone number of China. */
export function phoneNumber(random: Random): string {
  const number = `1${between(random, 3, 9)}${digits(random, 9)}`
  if (random() < 0.9) return number
  return `${number.slice(0, 3)} ${number.slice(3, 7)} ${number.slice(7)}`
}

/** The text with everything ASCII in its wide form. */
export function fullWidth(text: string): string {
  return text
    .replace(/[!-~]/g, character => String.fromCharCode(character.charCodeAt(0) + 0xfee0))
    .replaceAll(' ', '　')
}

function sentence(random: Random): string {
  let text = ''
  for (const piece of frequentSentence(random)) text += typeof piece === 'string' ? piece : piece(random)
  return text
}

/** Said freely: who does what to what, with a word of any kind in between now and then. */
function clause(random: Random): string {
  let text = random() < 0.3 ? frequent(random, W.OPENERS) : ''
  if (random() < 0.25) text += frequent(random, W.TIMES)
  text += frequent(random, W.SUBJECTS)
  if (random() < 0.7) text += frequent(random, W.ADVERBS)
  text += frequent(random, W.VERBS)
  if (random() < 0.15) text += SLOTS.brand!(random)
  text += random() < 0.3 ? frequent(random, W.GOODS) : frequent(random, W.OBJECTS)
  if (random() < 0.5) text += frequent(random, W.ENDINGS)
  return random() < 0.08 ? text + frequent(random, W.EMOJI) : text
}

/** Half of them by frequency, half of them any: no sentence is rare. */
function frequentSentence(random: Random): Sentence {
  return random() < 0.5 ? frequent(random, COMPILED) : any(random, COMPILED)
}

function digits(random: Random, count: number): string {
  let text = ''
  for (let left = count; left > 0; left -= 4) {
    const taken = Math.min(left, 4)
    text += String(Math.floor(random() * 10 ** taken)).padStart(taken, '0')
  }
  return text
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
