import { addAbortSignal, type Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import type { Commit, LakeObject } from "../../wire/commit.ts";
import { type Heartbeat, heartbeatSchema } from "../../wire/heartbeat.ts";
import { codecOf } from "../../wire/keys.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { boundedLines } from "./bounded-lines.ts";
import { CommitLogError } from "./commit-log-error.ts";

/** A heartbeat as the lake has it: where it stands in its source, and when Kinesis took it. */
export interface StoredHeartbeat {
  readonly heartbeat: Heartbeat;
  /** An agent's process has one source of heartbeats, whose offsets run on. */
  readonly src: string;
  readonly off: number;
  /** Arrival by AWS's clock. Times within the heartbeat are by the host's, whatever that is set to. */
  readonly arrivedAt: Date;
}

/** `YYYY-MM-DD HH:MM:SS.mmm` in UTC, as routers write it. */
const rowTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/)
  .transform((text) => new Date(`${text.replace(" ", "T")}Z`));

const placeSchema = z.object({ _src: z.string(), _off: z.int().min(0), _arrived_at: rowTime });

/** A record that agents may send, some times over: JSON writes some characters with more bytes than they had. */
const LINE_MAX_BYTES = 16 * 2 ** 20;

/** The objects of a commit that hold heartbeats. Mostly there is one, or none. */
export function heartbeatObjects({ objects }: Commit): LakeObject[] {
  return objects.filter(({ kind, type }) => kind === "data" && type === HEARTBEAT_TYPE);
}

/**
 * The heartbeats of an object of rows, in its order, as it comes in.
 *
 * @yields an error, BAD_HEARTBEAT, for a row that is none, and one for the rest of an object that is gone or spoilt
 * @throws what S3 answers otherwise
 */
export async function* readHeartbeats(
  s3: S3Client,
  bucket: string,
  key: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<StoredHeartbeat | { readonly error: CommitLogError }> {
  const body = await get(s3, bucket, key, signal);
  if (body === undefined) {
    yield { error: bad(`${key} is not there any more`) };
    return;
  }
  const unpacked = codecOf(key) === "gzip" ? createGunzip() : createZstdDecompress();
  body.once("error", (error) => unpacked.destroy(error));
  if (signal) addAbortSignal(signal, body);
  const limits = {
    maxBytes: LINE_MAX_BYTES,
    tooLong: (bytes: number) => bad(`${key} has a line of over ${bytes} bytes`),
    cutOff: () => bad(`${key} ends within a line`),
  };
  let lines = 0;
  try {
    for await (const line of boundedLines(body.pipe(unpacked), limits)) yield parseRow(line, key, ++lines);
  } catch (error) {
    if (!isSpoilt(error)) throw error;
    const what = error instanceof CommitLogError ? error : bad(`${key} does not unpack`, error);
    yield { error: what };
  } finally {
    body.destroy();
    unpacked.destroy();
  }
}

function parseRow(
  line: Buffer,
  key: string,
  number: number,
): StoredHeartbeat | { readonly error: CommitLogError } {
  try {
    const row = JSON.parse(line.toString()) as unknown;
    const { _src: src, _off: off, _arrived_at: arrivedAt } = placeSchema.parse(row);
    return { heartbeat: heartbeatSchema.parse(row), src, off, arrivedAt };
  } catch (cause) {
    return { error: bad(`line ${number} of ${key} is no heartbeat`, cause) };
  }
}

async function get(
  s3: S3Client,
  bucket: string,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Readable | undefined> {
  const command = new GetObjectCommand({ Bucket: bucket, Key: key });
  try {
    return (await s3.send(command, signal ? { abortSignal: signal } : {})).Body as Readable;
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") return undefined;
    throw error;
  }
}

/** What zlib says of bytes that are not what was compressed, and what was found within them. */
function isSpoilt(error: unknown): boolean {
  const { code = "" } = error as { readonly code?: string };
  return code === "BAD_HEARTBEAT" || /^(?:Z|ZSTD)_/.test(code);
}

function bad(message: string, cause?: unknown): CommitLogError {
  const options = cause === undefined ? undefined : { cause };
  return new CommitLogError("BAD_HEARTBEAT", message, undefined, options);
}
