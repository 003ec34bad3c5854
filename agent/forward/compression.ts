import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { ForwardError } from "./forward-error.ts";

export type Codec = "none" | "gzip" | "zstd";

/** @throws ForwardError COMPRESSION for any other word than Fluentd's */
export function codecOf(name: string): Codec {
  if (name === "gzip" || name === "zstd") return name;
  if (name === "text") return "none";
  throw new ForwardError("COMPRESSION", "entries are compressed with what is neither gzip nor zstd");
}

/**
 * Unpacks entries. Not in the background: one at a time is what bounds the memory this takes.
 *
 * @throws ForwardError COMPRESSION, TOO_LARGE
 */
export function inflate(bytes: Buffer, codec: Codec, maxBytes: number): Buffer {
  if (codec === "none") return bytes;
  try {
    // A chunk that was appended to is several members, or frames, one after another.
    return codec === "gzip"
      ? gunzipSync(bytes, { maxOutputLength: maxBytes })
      : inflateFrames(bytes, maxBytes);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new ForwardError("TOO_LARGE", `unpacks to more than ${maxBytes} bytes`, { cause });
    }
    throw new ForwardError("COMPRESSION", `the ${codec} entries do not unpack`, { cause });
  }
}

/** zlib's gunzip goes on with the next member; its zstd stops after the first frame without a word. */
function inflateFrames(bytes: Buffer, maxBytes: number): Buffer {
  const frames: Buffer[] = [];
  let left = maxBytes;
  for (let at = 0; at < bytes.length;) {
    const { buffer, engine } = inflateFrame(bytes.subarray(at), left);
    if (engine.bytesWritten === 0) throw new Error("an empty frame");
    frames.push(buffer);
    left -= buffer.length;
    at += engine.bytesWritten;
  }
  return Buffer.concat(frames);
}

/** With `info`, zlib tells how much of its input it has used. The types do not know that yet. */
function inflateFrame(bytes: Buffer, maxOutputLength: number) {
  const options = { maxOutputLength: Math.max(1, maxOutputLength), info: true };
  const result: unknown = zstdDecompressSync(bytes, options);
  return result as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
}
