/** Requests made of flags: what was not given is left out. */

/** The fields that have a value. */
export function given<T extends object>(fields: { readonly [K in keyof T]?: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** Whether nothing is in it. */
export function isEmpty(fields: object): boolean {
  return Object.keys(fields).length === 0
}
