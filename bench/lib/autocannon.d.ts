/** What the benchmarks use of autocannon 9, which brings no types. */
declare module 'autocannon' {
  /** A request as it goes out. */
  type Request = {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
  type Percentiles = {
    readonly average: number
    readonly p50: number
    readonly p90: number
    readonly p99: number
    readonly p99_9: number
    readonly max: number
  }
  type Result = {
    readonly requests: { readonly total: number; readonly average: number }
    readonly latency: Percentiles
    readonly '2xx': number
    readonly non2xx: number
    readonly errors: number
    readonly timeouts: number
    readonly duration: number
    readonly statusCodeStats?: Readonly<Record<string, { readonly count: number }>>
  }
  type Options = {
    readonly url: string
    readonly connections: number
    readonly duration: number
    readonly overallRate?: number
    readonly requests: readonly { readonly setupRequest: () => Request }[]
  }
  export default function autocannon(options: Options): Promise<Result>
}
