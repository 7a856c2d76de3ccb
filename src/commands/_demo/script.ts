import type { Content } from '../../client/index.js'
import type { Priority } from '../../codec/wire-commands.js'

/** The script of `kefu demo`: who writes what, and what is answered. */

/** Something that a customer says; `press` taps a choice that was offered, by its label. */
export type Saying = string | { readonly send: 'image' } | { readonly press: string }

/** What a customer says before waiting for an answer, and that answer. */
export type Turn = { readonly says: readonly Saying[]; readonly answer: Content }

/** A customer: writes through the web channel, or through the emulated platform whose turn it is. */
export type Customer = {
  readonly via: 'web' | 'platform'
  /** Id on the platform. */
  readonly user: string
  readonly name: string
  readonly language: 'zh' | 'en'
  readonly priority?: Priority
  /** From the start of the demo to the first words. */
  readonly arrivesMs: number
  /** From the end of a conversation to the first words of the same one again. */
  readonly restsMs: number
  readonly turns: readonly Turn[]
}

/** An agent of the script. */
export type ScriptedAgent = { readonly name: string; readonly languages: readonly string[]; readonly capacity: number }

/** Fewer hands than customers: somebody always waits. */
export const SCRIPTED_AGENTS = [
  { name: 'xiaowang', languages: ['zh'], capacity: 2 },
  { name: 'xiaomei', languages: ['zh', 'en'], capacity: 2 },
] as const satisfies readonly ScriptedAgent[]

/** What the agents say to somebody who is not in the script. */
export const ANSWER_TO_OTHERS = '收到，马上为您看一下。/ Got it, one moment please.'

const INVOICE: Content = [
  {
    type: 'choices',
    text: '请问需要哪种发票？',
    choices: [
      { id: 'electronic', label: '电子发票' },
      { id: 'paper', label: '纸质发票' },
    ],
  },
]
const RETURN: Content = [
  {
    type: 'choices',
    text: '抱歉！您希望怎么处理？',
    choices: [
      { id: 'exchange', label: '换货' },
      { id: 'refund', label: '退款' },
    ],
  },
]

/** The first of each way of writing come first, so that every channel is seen at once. */
export const CUSTOMERS: readonly Customer[] = [
  {
    ...{ via: 'platform', user: 'oLiLei', name: '李雷', language: 'zh', arrivesMs: 0, restsMs: 14_000 },
    turns: [
      { says: ['你好，我昨天下的单什么时候发货？'], answer: '您好！今天下午发出，预计后天送达。' },
      { says: ['好的，能帮我开张发票吗？'], answer: INVOICE },
      { says: [{ press: '电子发票' }], answer: '好的，电子发票一小时内发到您的邮箱。' },
    ],
  },
  {
    ...{ via: 'platform', user: 'oHanMeimei', name: '韩梅梅', language: 'zh', arrivesMs: 150, restsMs: 17_000 },
    turns: [
      { says: ['收到的茶杯有一道裂纹', { send: 'image' }], answer: RETURN },
      { says: [{ press: '换货' }], answer: '新的一只今天寄出，旧的不用退回。' },
    ],
  },
  {
    ...{ via: 'platform', user: 'oZhangWei', name: '张伟', language: 'zh', arrivesMs: 300, restsMs: 20_000 },
    turns: [
      { says: ['这款紫砂壶容量多大？'], answer: '260 毫升，适合两到三个人。' },
      { says: ['可以刻字吗？'], answer: '可以，刻字多等三天，不另收费。' },
    ],
  },
  {
    ...{ via: 'web', user: 'ann', name: 'Ann Miller', language: 'en', arrivesMs: 450, restsMs: 15_000 },
    turns: [
      { says: ['Hi! Do you ship to Canada?'], answer: 'Hello Ann! We do: 8 to 12 days, 15 USD.' },
      { says: ['Great. Is there gift wrapping?'], answer: 'There is, free of charge. Tick it at the checkout.' },
    ],
  },
  {
    ...{ via: 'platform', user: 'oWangFang', name: '王芳', language: 'zh', arrivesMs: 900, restsMs: 18_000 },
    turns: [
      { says: ['请问周末营业吗？'], answer: '周末营业，早上九点到晚上九点。' },
      { says: ['谢谢！地铁哪个口出来近？'], answer: '三号线 B 口，出来右转两百米。' },
    ],
  },
  {
    ...{ via: 'web', user: 'chenjing', name: '陈静', language: 'zh', arrivesMs: 1_800, restsMs: 16_000 },
    turns: [
      { says: ['优惠券用不了，提示已过期', { send: 'image' }], answer: '我看到了，给您补发了一张，请刷新一下。' },
      { says: ['可以了，谢谢'], answer: '不客气，祝您购物愉快！' },
    ],
  },
  {
    ...{ via: 'platform', user: 'oLiuYang', name: '刘洋', language: 'zh', priority: 'urgent' },
    ...{ arrivesMs: 3_500, restsMs: 25_000 },
    turns: [
      { says: ['三天了还没人给我退款！！', '再不处理我就投诉了'], answer: '非常抱歉让您久等了，我马上查。' },
      { says: ['到底什么时候到账？'], answer: '已加急，今天 18 点前原路退回，并补偿您一张 20 元券。' },
      { says: ['好吧，我等着'], answer: '感谢理解，到账后我会再通知您。' },
    ],
  },
  {
    ...{ via: 'platform', user: 'oTomBaker', name: 'Tom Baker', language: 'en', arrivesMs: 4_500, restsMs: 19_000 },
    turns: [
      {
        says: ['The app shows my parcel as delivered, but it is not here.'],
        answer: 'Sorry, Tom! Let me ask the courier.',
      },
      { says: ['Thanks, please hurry'], answer: 'It is at the pick-up point next door; the code is 4471.' },
    ],
  },
  {
    ...{ via: 'platform', user: 'oZhaoMin', name: '赵敏', language: 'zh', arrivesMs: 6_000, restsMs: 21_000 },
    turns: [
      { says: ['地址填错了，能改吗？'], answer: '还没发货，可以改，请把新地址发给我。' },
      { says: ['广州市天河区体育西路 1 号'], answer: '已经改好了。' },
    ],
  },
  {
    ...{ via: 'platform', user: 'oSunQiang', name: '孙强', language: 'zh', arrivesMs: 7_500, restsMs: 23_000 },
    turns: [
      { says: ['会员积分怎么换礼品？'], answer: '“我的”里点“积分商城”，500 分起换。' },
      { says: ['找到了，谢谢'], answer: '不客气！' },
    ],
  },
  {
    ...{ via: 'web', user: 'maria', name: 'Maria Rossi', language: 'en', arrivesMs: 9_000, restsMs: 20_000 },
    turns: [
      { says: ['Which tea is good for the evening?'], answer: 'An aged white tea: little caffeine, and mild.' },
      { says: ['Sounds nice, I will take one', { send: 'image' }], answer: 'A fine cup! Enjoy it.' },
    ],
  },
]
