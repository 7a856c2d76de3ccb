/** Who wrote a record. `id` is an agent's id; others have none. `operator`: somebody at the daemon's control socket. */
export type Author = {
  readonly role: 'contact' | 'agent' | 'system' | 'operator'
  readonly id?: string
  readonly name?: string
}
