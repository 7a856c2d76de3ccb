/** What a transport needs from outside. */
export type TransportPorts = {
  /** Told about bugs (a handler that threw, an impossible response) and faults of the listener; must not throw. Default: a process warning. */
  readonly onError?: (error: unknown) => void
}

/** The error sink of `ports`, or one that emits a process warning. */
export function errorSink(ports: TransportPorts): (error: unknown) => void {
  return ports.onError ?? (error => process.emitWarning(error instanceof Error ? error : String(error)))
}
