/** Encodings whose bytes can be had by turning round what a decoder makes of them. */
export const TABLED = [
  "windows-1252",
  "iso-8859-15",
  "windows-1251",
  "koi8-r",
  "ibm866",
  "windows-874",
  "shift_jis",
  "euc-jp",
  "gbk",
  "gb18030",
  "big5",
  "euc-kr",
] as const;

/** Of what one or two bytes stand for, a part of the characters. */
export function alphabet(encoding: string): Map<string, Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const found = new Map<string, Buffer>();
  const offer = (bytes: Buffer): void => {
    try {
      const text = decoder.decode(bytes);
      if (Array.from(text).length === 1 && !found.has(text)) found.set(text, bytes);
    } catch {
      // No character has these bytes.
    }
  };
  for (let byte = 0; byte < 256; byte++) if (byte !== 10) offer(Buffer.of(byte));
  for (let lead = 0x81; lead < 0xff; lead += 5)
    for (let trail = 0x40; trail < 0xff; trail++) offer(Buffer.of(lead, trail));
  return found;
}

export function utf16be(text: string): Buffer {
  return Buffer.from(text, "utf16le").swap16();
}
