import { any, between, createRandom, frequent, fullWidth, orderNumber, phoneNumber, type Random } from './chat-text.js'
import * as W from './chat-words.js'

/** Expressions that people who search look for. */
const EXPRESSIONS = [
  String.raw`/1[3-9]\d{9}/`,
  String.raw`/订单号?是?\d{6,}/`,
  '/退款|换货/',
  String.raw`/[a-z.]+\d+@(mail|shop)\.example/`,
  '/(红|蓝)色的.{1,4}(破|坏)/',
  '/^好的?$/',
  '/EMS|顺丰/',
  String.raw`/(SF|JD)\d{4}/`,
  '/还没.*了吗/',
]

/** Queries as people write them, one after the other, the same for the same seed and samples. `sample` gives texts, for words that are there. */
export function createChatQueries(seed: number, sample: () => string): () => string {
  const random = createRandom(seed)
  return () => query(random, sample)
}

/** A text as a phrase of a query: found as it stands. */
export function quoted(text: string): string {
  return `"${text.replace(/["＂“”\\]/g, '\\$&')}"`
}

function query(random: Random, sample: () => string): string {
  const kind = random()
  if (kind < 0.5) return term(random, sample)
  if (kind < 0.65) return `${term(random, sample)} ${term(random, sample)}`
  if (kind < 0.75) return `${term(random, sample)} OR ${term(random, sample)}`
  if (kind < 0.83) return `${term(random, sample)} -${term(random, sample)}`
  if (kind < 0.87) return `-${term(random, sample)}`
  if (kind < 0.91)
    return `${term(random, sample)} (${term(random, sample)} OR ${term(random, sample)}) -(${term(random, sample)} OR ${term(random, sample)})`
  const expression = any(random, EXPRESSIONS)
  return kind < 0.97 ? expression : `${expression} ${term(random, sample)}`
}

function term(random: Random, sample: () => string): string {
  const kind = random()
  if (kind < 0.45) return quoted(variant(random, pieceOf(random, sample())))
  if (kind < 0.65)
    return frequent(random, any(random, [W.GOODS, W.TROUBLES, W.WISHES, W.OBJECTS, W.VERBS, W.THINGS, W.PLACES]))
  if (kind < 0.75) return quoted(numberIn(random, sample))
  if (kind < 0.85) return any(random, W.NAME_CHARACTERS)
  if (kind < 0.9) return any(random, W.EMOJI)
  if (kind < 0.95) return frequent(random, W.FAMILIES) + any(random, W.NAME_CHARACTERS)
  return quoted(kind < 0.98 ? orderNumber(random) : phoneNumber(random))
}

/** One to six characters of a text, from anywhere. */
function pieceOf(random: Random, text: string): string {
  const characters = [...text]
  const length = Math.min(between(random, 1, 6), characters.length)
  const from = between(random, 0, characters.length - length)
  return characters.slice(from, from + length).join('')
}

/** The same to somebody who searches. */
function variant(random: Random, text: string): string {
  const kind = random()
  if (kind < 0.1) return fullWidth(text)
  return kind < 0.2 ? text.toUpperCase() : text
}

/** Digits of a text that has some; else of nobody. */
function numberIn(random: Random, sample: () => string): string {
  for (let tries = 0; tries < 8; tries++) {
    const found = sample().match(/\d{5,}/)?.[0]
    if (found === undefined) continue
    const from = random() < 0.5 ? 0 : between(random, 0, found.length - 4)
    return found.slice(from, from + between(random, 4, found.length))
  }
  return orderNumber(random)
}
