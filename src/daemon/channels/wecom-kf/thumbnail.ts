import { crc32, deflateSync } from 'node:zlib'
import type { OutboundFile } from '../../core/channel-adapter.js'

const SIDE = 96
const GREEN = [0x07, 0xc1, 0x60] as const
const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')

/** The picture beside a link, as links have to have one: a green square with a white one in it. */
export function linkThumbnail(): OutboundFile {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(SIDE, 0)
  header.writeUInt32BE(SIDE, 4)
  header.set([8, 2], 8)
  const rows = Buffer.alloc(SIDE * (1 + SIDE * 3))
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const isInner = Math.max(Math.abs(x - SIDE / 2), Math.abs(y - SIDE / 2)) < SIDE / 5
      rows.set(isInner ? [255, 255, 255] : GREEN, y * (1 + SIDE * 3) + 1 + x * 3)
    }
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]
  return { bytes: Buffer.concat([SIGNATURE, ...chunks]), type: 'image/png', name: 'link.png' }
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}
