import { Readable, Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";
import type { Codec } from "../../../wire/keys.ts";
import { toExtra, uncoveredFields } from "./to-extra.ts";

/** A row of more is none that COPY takes. Redshift COPY reference, read 2026-11 */
const LINE_MAX_BYTES = 4 * 2 ** 20;
const LF = 10;

export interface RewrittenObject {
  readonly body: Buffer;
  /** What went into `_extra`. */
  readonly fields: ReadonlySet<string>;
}

/**
 * An object of the lake, with `_extra` for the fields that these columns do not cover. It is unpacked as it passes:
 * no more of it is held than is stored of it, and a line.
 *
 * @returns undefined where all its fields have columns, and for what cannot be unpacked: COPY refuses it, and says why
 */
export async function rewriteObject(
  body: Buffer,
  codec: Codec,
  columns: ReadonlySet<string>,
): Promise<RewrittenObject | undefined> {
  const fields = new Set<string>();
  const look = (line: string): string => {
    for (const name of uncoveredFields(line, columns)) fields.add(name);
    return "";
  };
  try {
    await pipeline(unpacked(body, codec), new Lines(look), async (rest) => {
      for await (const _ of rest);
    });
  } catch (error) {
    if (isSpoilt(error)) return undefined;
    throw error;
  }
  if (fields.size === 0) return undefined;
  const chunks: Buffer[] = [];
  await pipeline(
    unpacked(body, codec),
    new Lines((line) => `${toExtra(line, columns)}\n`),
    codec === "gzip" ? createGzip() : createZstdCompress(),
    async (packed: AsyncIterable<Buffer>) => {
      for await (const chunk of packed) chunks.push(chunk);
    },
  );
  return { body: Buffer.concat(chunks), fields };
}

function unpacked(body: Buffer, codec: Codec): Readable {
  return Readable.from([body]).compose(codec === "gzip" ? createGunzip() : createZstdDecompress());
}

const isSpoilt = (error: unknown): boolean =>
  error instanceof TooLong || String((error as { code?: unknown }).code).startsWith("Z");

class TooLong extends Error {}

/** Lines, one after the other, as something else. */
class Lines extends Transform {
  readonly #of: (line: string) => string;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(of: (line: string) => string) {
    super();
    this.#of = of;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    const end = chunk.lastIndexOf(LF);
    if (end === -1) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      done(this.#restBytes > LINE_MAX_BYTES ? new TooLong() : undefined);
      return;
    }
    const lines = Buffer.concat([...this.#rest, chunk.subarray(0, end)]).toString();
    this.#rest = [chunk.subarray(end + 1)];
    this.#restBytes = chunk.length - end - 1;
    done(undefined, this.#each(lines));
  }

  override _flush(done: TransformCallback): void {
    const last = Buffer.concat(this.#rest).toString();
    done(undefined, last === "" ? "" : this.#each(last));
  }

  #each(lines: string): string {
    let text = "";
    for (const line of lines.split("\n")) if (line !== "") text += this.#of(line);
    return text;
  }
}
