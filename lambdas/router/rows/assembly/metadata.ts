import { AFTER, BEFORE, METADATA_AFTER_LENGTH, METADATA_BEFORE_LENGTH, METADATA_SECONDS } from "../layout";
import { copy } from "./text";
import { writeDigits, writeUint32 } from "./number";

/** `,"_crc":` */
const CRC_KEY: u64 = 0x3a226372635f222c;

/**
 * As RowMetadata.write.
 *
 * @param seconds address of `SS` or `SS.mmm`, which stand in a line, 0 where all rows have one time
 */
export function writeMetadata(at: i32, seconds: i32, hasMs: bool, offset: u64, crc: u32): i32 {
  const begin = at;
  at = copy(BEFORE, at, load<i32>(METADATA_BEFORE_LENGTH));
  if (seconds !== 0) {
    const secondsAt = begin + load<i32>(METADATA_SECONDS);
    store<u16>(secondsAt, load<u16>(seconds));
    // .000
    store<u32>(secondsAt + 2, hasMs ? load<u32>(seconds + 2) : 0x3030302e);
  }
  at = writeDigits(at, offset);
  store<u64>(at, CRC_KEY);
  at = writeUint32(at + 8, crc);
  return copy(AFTER, at, load<i32>(METADATA_AFTER_LENGTH));
}
