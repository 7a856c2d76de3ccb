/**
 * Events of a stream as the bytes that they are sent as: whole lines of JSON, each with its line feed. For streams of many small events: checking and writing each by
 * itself would cost more than reading it.
 */
export class Lines {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}
