import { copyBytes, ZERO } from "./plain/bytes.ts";
import { formatTimestamp } from "./time/timestamp.ts";

const TIME_AT = '{"_time":"'.length;
export const SECONDS_AT = TIME_AT + "YYYY-MM-DD HH:MM:".length;
const ANY_TIME = "YYYY-MM-DD HH:MM:SS.mmm";

const CRC = Buffer.from(',"_crc":');

/** Digits that an offset and a CRC-32 have at most. */
const OFFSET_MAX_DIGITS = 16;
const CRC_MAX_DIGITS = 10;

/** The metadata of rows of one origin: `{"_time":"..","_src":"..","_off":0,"_crc":0,"_host":"..","_arrived_at":".."`. */
export class RowMetadata {
  readonly src: string;
  readonly host: string | null;
  readonly arrivedAtMs: number;
  readonly #beforeOffset: Buffer;
  readonly #afterCrc: Buffer;
  #minute = NaN;

  /** @param host null for other producers' records */
  constructor(src: string, host: string | null, arrivedAt: Date) {
    this.src = src;
    this.host = host;
    this.arrivedAtMs = arrivedAt.getTime();
    this.#beforeOffset = Buffer.from(`{"_time":"${ANY_TIME}","_src":"${src}","_off":`);
    const hostMember = host === null ? "" : `,"_host":${JSON.stringify(host)}`;
    this.#afterCrc = Buffer.from(`${hostMember},"_arrived_at":"${formatTimestamp(this.arrivedAtMs)}"`);
  }

  get maxBytes(): number {
    const digits = OFFSET_MAX_DIGITS + CRC_MAX_DIGITS;
    return this.#beforeOffset.length + CRC.length + digits + this.#afterCrc.length;
  }

  /** The texts before a row's offset, of a row at this time, and after its CRC-32. Good until the next call. */
  around(epochMs: number): readonly [before: Buffer, after: Buffer] {
    this.#setTime(epochMs);
    return [this.#beforeOffset, this.#afterCrc];
  }

  /** @returns offset after what was written */
  write(out: Buffer, at: number, epochMs: number, offset: number, crc: number): number {
    this.#setTime(epochMs);
    at += this.#beforeOffset.copy(out, at);
    const digits = `${offset}`;
    for (let i = 0; i < digits.length; i++) out[at++] = digits.charCodeAt(i);
    at = copyBytes(CRC, 0, out, at, CRC.length);
    at = writeUint32(crc, out, at);
    return copyBytes(this.#afterCrc, 0, out, at, this.#afterCrc.length);
  }

  /** Only seconds and milliseconds change mostly: lines come in order of time. */
  #setTime(epochMs: number): void {
    const minute = Math.floor(epochMs / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#beforeOffset.write(formatTimestamp(epochMs), TIME_AT, "latin1");
    }
    const ms = epochMs - minute * 60_000;
    this.#setDigits(SECONDS_AT, Math.floor(ms / 1_000), 2);
    this.#setDigits(SECONDS_AT + "SS.".length, ms % 1_000, 3);
  }

  #setDigits(at: number, value: number, count: number): void {
    for (let i = at + count - 1; i >= at; i--) {
      this.#beforeOffset[i] = ZERO + (value % 10);
      value = Math.floor(value / 10);
    }
  }
}

/** As text. For the digits of each row this takes a fraction of what a string would. */
function writeUint32(value: number, out: Buffer, at: number): number {
  let end = at + 1;
  for (let bound = 10; value >= bound; bound *= 10) end++;
  for (let i = end - 1; i >= at; i--) {
    const rest = Math.floor(value / 10);
    out[i] = ZERO + value - rest * 10;
    value = rest;
  }
  return end;
}
