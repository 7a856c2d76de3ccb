import type { z } from 'zod'

/** The first thing that is wrong with a body, in words of the protocol: neither the validator's own nor any of the sender's. */
export function firstComplaint(error: z.ZodError, body: unknown): string {
  const issue = error.issues[0]
  if (issue === undefined) return 'does not fit the protocol'
  const fields = issue.path.map(String)
  // Names in an event's data are the sender's text.
  const data = fields.indexOf('data')
  const path = (data < 0 ? fields : fields.slice(0, data + 1)).join('.').slice(0, 60)
  const complaint = complaintOf(issue, issue.path.reduce(fieldOf, body) === undefined)
  return path === '' ? complaint : `${path} ${complaint}`
}

function complaintOf(issue: z.core.$ZodIssue, isMissing: boolean): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'has a field that is not in the protocol'
    case 'invalid_type':
      return isMissing ? 'is missing' : `must be ${TYPE_WORDS[issue.expected] ?? 'of another type'}`
    case 'invalid_value':
      return isMissing ? 'is missing' : `must be ${issue.values.join(' or ')}`
    case 'invalid_union':
      return isMissing ? 'is missing' : 'has a value that is not allowed there'
    case 'too_small':
      return SIZED.has(issue.origin) ? 'must not be empty' : `must be at least ${issue.minimum}`
    case 'too_big':
      return SIZED.has(issue.origin)
        ? `must have at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'entries'}`
        : `must be at most ${issue.maximum}`
    case 'custom':
      return issue.message
    default:
      return 'is not in the form that the protocol asks for'
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

/** Things whose smallest allowed size is 1 wherever one is asked for. */
const SIZED: ReadonlySet<string> = new Set(['string', 'array'])

function fieldOf(value: unknown, name: PropertyKey): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<PropertyKey, unknown>>)[name]
    : undefined
}
