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

/** The lake's bucket, as the loader needs it besides the log. */
export class Lake {
  readonly bucket: string;
  readonly #s3: S3Client;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.bucket = bucket;
  }

  async put(key: string, body: string | Buffer): Promise<void> {
    const Body = typeof body === "string" ? Buffer.from(body) : body;
    const object = { Bucket: this.bucket, Key: key, Body, ContentLength: Body.length };
    await this.#s3.send(new PutObjectCommand(object));
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
