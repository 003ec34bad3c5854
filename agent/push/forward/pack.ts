/** What the server says: all of it is short. */
type Packable = string | Buffer | boolean | readonly Packable[] | { readonly [key: string]: Packable };

/** MessagePack of a handshake or an acknowledgement. source: the specification named in msgpack.ts */
export function pack(value: Packable): Buffer {
  if (typeof value === "boolean") return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === "string") return packed(Buffer.from(value), 0xd9);
  if (Buffer.isBuffer(value)) return packed(value, 0xc4);
  if (Array.isArray(value)) {
    return Buffer.concat([Buffer.of(0x90 | value.length), ...(value as Packable[]).map(pack)]);
  }
  const entries = Object.entries(value);
  return Buffer.concat([Buffer.of(0x80 | entries.length), ...entries.flat().map(pack)]);
}

/** @param marker of the form with a length of 8 bits; those with 16 and 32 follow it */
function packed(bytes: Buffer, marker: number): Buffer {
  const { length } = bytes;
  if (marker === 0xd9 && length < 32) return Buffer.concat([Buffer.of(0xa0 | length), bytes]);
  const head = Buffer.alloc(length < 2 ** 8 ? 2 : length < 2 ** 16 ? 3 : 5);
  head[0] = marker + (head.length === 2 ? 0 : head.length === 3 ? 1 : 2);
  head.writeUIntBE(length, 1, head.length - 1);
  return Buffer.concat([head, bytes]);
}
