import { CRC_TABLES } from "../layout";

/** CRC-32 of zlib and gzip, its polynomial with the lowest bit first. source: RFC 1952, section 8 */
const POLYNOMIAL: u32 = 0xedb88320;
const TABLE_BYTES = 1_024;

/** Fills the tables: table t has what a byte adds that stands t bytes before the last. */
export function makeTables(): void {
  for (let n: u32 = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    store<u32>(CRC_TABLES + n * 4, crc);
  }
  for (let n: u32 = 0; n < 256; n++) {
    let crc = load<u32>(CRC_TABLES + n * 4);
    for (let table = 1; table < 16; table++) {
      crc = entry(0, crc & 0xff) ^ (crc >>> 8);
      store<u32>(CRC_TABLES + table * TABLE_BYTES + n * 4, crc);
    }
  }
}

function entry(table: i32, byte: u32): u32 {
  return load<u32>(CRC_TABLES + table * TABLE_BYTES + byte * 4);
}

/** What four bytes add, of which the first stands so many before the last. */
function word(table: i32, bytes: u32): u32 {
  return (
    entry(table, bytes & 0xff) ^
    entry(table - 1, (bytes >>> 8) & 0xff) ^
    entry(table - 2, (bytes >>> 16) & 0xff) ^
    entry(table - 3, bytes >>> 24)
  );
}

/** Sixteen bytes at a time, whose look-ups do not wait for one another. */
export function crc32(at: i32, end: i32): u32 {
  let crc: u32 = 0xffffffff;
  while (at + 16 <= end) {
    crc =
      word(15, load<u32>(at) ^ crc) ^
      word(11, load<u32>(at + 4)) ^
      word(7, load<u32>(at + 8)) ^
      word(3, load<u32>(at + 12));
    at += 16;
  }
  while (at + 4 <= end) {
    crc = word(3, load<u32>(at) ^ crc);
    at += 4;
  }
  while (at < end) {
    crc = entry(0, (crc ^ load<u8>(at)) & 0xff) ^ (crc >>> 8);
    at++;
  }
  return ~crc;
}
