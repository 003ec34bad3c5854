import type { Readable } from "node:stream";
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { assertCommitSize, type Commit, parseCommit } from "../../wire/commit.ts";
import { parseCommitKey } from "../../wire/keys.ts";
import { WireError } from "../../wire/wire-error.ts";
import { listPages } from "../commit-log/list-pages.ts";

/** The lake's bucket, as the loader needs it besides the log. */
export class Lake {
  readonly bucket: string;
  readonly #s3: S3Client;
  readonly #read = new Map<string, string>();

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.bucket = bucket;
  }

  async put(key: string, body: string | Buffer): Promise<void> {
    const Body = typeof body === "string" ? Buffer.from(body) : body;
    const object = { Bucket: this.bucket, Key: key, Body, ContentLength: Body.length };
    await this.#s3.send(new PutObjectCommand(object));
  }

  /** Keys right below a prefix that ends in a slash, in order. */
  async keysIn(Prefix: string): Promise<string[]> {
    const keys: string[] = [];
    const list = { Bucket: this.bucket, Prefix, Delimiter: "/" };
    for await (const page of listPages(this.#s3, list)) for (const { Key } of page) keys.push(Key!);
    return keys;
  }

  /** A small object that never changes. @returns undefined where there is none */
  async readOnce(key: string): Promise<string | undefined> {
    const text = this.#read.get(key) ?? (await this.read(key))?.toString();
    if (text !== undefined) this.#read.set(key, text);
    return text;
  }

  /** @returns undefined where there is none; the reader closes it */
  async stream(key: string): Promise<Readable | undefined> {
    return (await this.#get(key))?.Body as Readable | undefined;
  }

  /** @returns undefined where it is gone */
  async text(key: string): Promise<string | undefined> {
    return (await this.#get(key))?.Body!.transformToString();
  }

  /** @returns undefined where there is none */
  async read(key: string): Promise<Buffer | undefined> {
    const bytes = await (await this.#get(key))?.Body!.transformToByteArray();
    return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /**
   * A commit as it is in the lake now, which the log had as one that cannot be read.
   *
   * @returns undefined where it is gone
   */
  async commit(key: string): Promise<{ commit: Commit } | { error: Error } | undefined> {
    const object = await this.#get(key);
    if (object === undefined) return undefined;
    const { Body, ContentLength = 0 } = object;
    try {
      parseCommitKey(key);
      assertCommitSize(ContentLength, key);
      return { commit: parseCommit(await Body!.transformToString(), key) };
    } catch (error) {
      if (error instanceof WireError) return { error };
      throw error;
    } finally {
      (Body as Readable).destroy();
    }
  }

  async #get(key: string): Promise<GetObjectCommandOutput | undefined> {
    try {
      return await this.#s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  }
}
