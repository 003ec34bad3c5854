/** An extension value: type and data. */
export class Ext {
  readonly type: number;
  readonly data: Buffer;

  constructor(type: number, data: Buffer) {
    this.type = type;
    this.data = data;
  }
}

export type Value = null | boolean | number | bigint | string | Buffer | Ext | Value[] | Map<Value, Value>;

/** Fluentd's event time. */
export function eventTime(seconds: number, nanoseconds: number): Ext {
  const data = Buffer.alloc(8);
  data.writeUInt32BE(seconds, 0);
  data.writeUInt32BE(nanoseconds, 4);
  return new Ext(0, data);
}

export const map = (fields: Record<string, Value>): Map<Value, Value> => new Map(Object.entries(fields));

/**
 * MessagePack of a value, written apart from the agent's decoder and only for tests.
 *
 * @param width picks among the forms that hold a value: 0 is the shortest, more the longer ones
 */
export function encode(value: Value, width: () => number = () => 0): Buffer {
  const again = (item: Value) => encode(item, width);
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === "boolean") return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === "number" && !Number.isInteger(value))
    return number(0xcb, 8, (b) => b.writeDoubleBE(value, 1));
  if (typeof value === "number" || typeof value === "bigint") return integer(BigInt(value), width());
  if (typeof value === "string") {
    const bytes = Buffer.from(value);
    return Buffer.concat([sized(bytes.length, width(), [0xa0, 31], [0xd9, 0xda, 0xdb]), bytes]);
  }
  if (Buffer.isBuffer(value)) {
    return Buffer.concat([sized(value.length, width(), undefined, [0xc4, 0xc5, 0xc6]), value]);
  }
  if (value instanceof Ext) {
    const { type, data } = value;
    const fixed = [1, 2, 4, 8, 16].indexOf(data.length);
    const head =
      fixed >= 0 && width() === 0
        ? Buffer.of(0xd4 + fixed)
        : sized(data.length, width(), undefined, [0xc7, 0xc8, 0xc9]);
    return Buffer.concat([head, Buffer.of(type & 0xff), data]);
  }
  if (Array.isArray(value)) {
    return Buffer.concat([
      sized(value.length, width(), [0x90, 15], [undefined, 0xdc, 0xdd]),
      ...value.map(again),
    ]);
  }
  const entries = [...value].flatMap(([key, item]) => [again(key), again(item)]);
  return Buffer.concat([sized(value.size, width(), [0x80, 15], [undefined, 0xde, 0xdf]), ...entries]);
}

type Marker = number | undefined;

function sized(length: number, width: number, fix: [number, number] | undefined, markers: Marker[]): Buffer {
  const forms: Buffer[] = [];
  if (fix && length <= fix[1]) forms.push(Buffer.of(fix[0] | length));
  for (const [i, marker] of markers.entries()) {
    const bytes = 2 ** i;
    if (marker !== undefined && length < 2 ** (8 * bytes)) {
      forms.push(number(marker, bytes, (b) => b.writeUIntBE(length, 1, bytes)));
    }
  }
  return forms[width % forms.length]!;
}

function integer(value: bigint, width: number): Buffer {
  const forms: Buffer[] = [];
  if (value >= -32n && value <= 127n) forms.push(Buffer.of(Number(value) & 0xff));
  for (const [i, bytes] of [1, 2, 4, 8].entries()) {
    const bits = 8 * bytes;
    const hex = (v: bigint) =>
      BigInt.asUintN(bits, v)
        .toString(16)
        .padStart(2 * bytes, "0");
    const form = (marker: number) => Buffer.concat([Buffer.of(marker + i), Buffer.from(hex(value), "hex")]);
    if (BigInt.asUintN(bits, value) === value) forms.push(form(0xcc));
    if (BigInt.asIntN(bits, value) === value) forms.push(form(0xd0));
  }
  return forms[width % forms.length]!;
}

function number(marker: number, bytes: number, write: (out: Buffer) => void): Buffer {
  const out = Buffer.alloc(1 + bytes);
  out[0] = marker;
  write(out);
  return out;
}
