/** Numbers from 0 (inclusive) to 1 (exclusive), the same ones for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** A time between two, as far as the random number goes. */
export function between(random: () => number, leastMs: number, mostMs: number): number {
  return Math.round(leastMs + random() * (mostMs - leastMs))
}
