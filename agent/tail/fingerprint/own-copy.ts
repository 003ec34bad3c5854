/**
 * A copy to be kept for as long as a file is followed. What `Buffer.from` makes of so few bytes is a part of
 * Node's pool, and would keep all 64 KiB of it.
 */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
