type PresentOnly<T> = { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Without the fields that hold nothing. */
export function presentOnly<T extends object>(value: T): PresentOnly<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as PresentOnly<T>
}
