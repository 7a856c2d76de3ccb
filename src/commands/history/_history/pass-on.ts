import { once } from 'node:events'

/** Writes chunks to stdout as they come, no faster than they are taken. */
export async function passOn(chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of chunks) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
}
