import type { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, type S3Client } from "@aws-sdk/client-s3";
import { parseCommit, type Commit } from "../../wire/commit.ts";
import { PREFIX } from "../../wire/keys.ts";
import { rejectedLineSchema, type RejectedLine } from "../../wire/reject.ts";
import * as z from "zod";
import { countLineFeeds } from "./truth.ts";

/** Identity of a row or of a rejected line. */
export interface Identity {
  readonly src: string;
  readonly off: number;
  /** CRC-32 of the line's bytes. Lines of version 1 have none: what stands at their place is taken for the same. */
  readonly crc?: number | undefined;
}

/** Objects read at a time; each holds one decompressor of about 10 MB. */
const READS_AT_ONCE = 4;

const identitySchema = z.object({ _src: z.string(), _off: z.int(), _crc: z.int().optional() });

/** The bucket, as the reconciliation reads it. Every method throws what the S3 client throws. */
export class Lake {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #signal: AbortSignal;

  constructor(s3: S3Client, bucket: string, signal = AbortSignal.any([])) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#signal = signal;
  }

  /** Every commit there is by its key; one batch may have several. @throws WireError BAD_COMMIT */
  async commits(): Promise<Map<string, Commit>> {
    const keys: string[] = [];
    for await (const key of this.#list(PREFIX.commits)) keys.push(key);
    const commits = await mapConcurrently(keys, (key) => this.#commit(key));
    return new Map(keys.map((key, i) => [key, commits[i]!]));
  }

  async #commit(key: string): Promise<Commit> {
    return parseCommit(await (await this.#get(key)).transformToString(), key);
  }

  /** Keys in order. */
  async *#list(prefix: string): AsyncGenerator<string> {
    let token: string | undefined;
    do {
      const page = await this.#s3.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: prefix,
          ContinuationToken: token,
        }),
        { abortSignal: this.#signal },
      );
      for (const object of page.Contents ?? []) yield object.Key!;
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  /** Lines of an NDJSON object; undefined when there is no such object. @param look is shown each part of it */
  async countLines(key: string, look?: (chunk: Buffer) => void): Promise<number | undefined> {
    const body = await this.#decompressed(key);
    if (body === undefined) return undefined;
    let lines = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      lines += countLineFeeds(chunk);
      look?.(chunk);
    }
    return lines;
  }

  /** Identities of the rows of a data object, in order; nothing when there is no such object. */
  async *identities(key: string): AsyncGenerator<Identity> {
    for await (const line of this.#lines(key)) {
      const { _src, _off, _crc } = identitySchema.parse(JSON.parse(line));
      yield { src: _src, off: _off, crc: _crc };
    }
  }

  /** Lines of a rejected object, in order; nothing when there is no such object. */
  async *rejected(key: string): AsyncGenerator<RejectedLine> {
    for await (const line of this.#lines(key)) yield rejectedLineSchema.parse(JSON.parse(line));
  }

  async *#lines(key: string): AsyncGenerator<string> {
    const body = await this.#decompressed(key);
    if (body === undefined) return;
    body.setEncoding("utf8");
    let rest = "";
    for await (const chunk of body as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
    if (rest !== "") yield rest;
  }

  async #decompressed(key: string): Promise<Readable | undefined> {
    try {
      const body = (await this.#get(key)) as unknown as Readable;
      const unpack = key.endsWith(".gz") ? createGunzip() : createZstdDecompress();
      body.once("error", (error) => unpack.destroy(error));
      return body.pipe(unpack);
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async #get(key: string) {
    const input = { Bucket: this.#bucket, Key: key };
    const { Body } = await this.#s3.send(new GetObjectCommand(input), { abortSignal: this.#signal });
    return Body!;
  }
}

/** Results in the order of `items`; the first error ends it. */
export async function mapConcurrently<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [i, item] of queue) results[i] = await map(item);
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, worker));
  return results;
}
