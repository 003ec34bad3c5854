import { CopyObjectCommand, DeleteObjectCommand, GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { listPages } from "../../lambdas/commit-log/list-pages.ts";
import {
  type FailureRecord,
  FAILURES_PREFIX,
  parseFailureRecord,
  REPLAYED_PREFIX,
} from "../../wire/failure-record.ts";
import { WireError } from "../../wire/wire-error.ts";

/** What becomes of an object whose batch is in the lake. */
export type Done = "keep" | "move" | "remove";

/** An event of 6 MB is text within text; a record of 10 MiB that no invocation takes is one of 14 MB. */
const OBJECT_MAX_BYTES = 64 * 2 ** 20;

/** What is said of a batch stands before its payload, and takes less than this. */
const HEAD_BYTES = 4 * 2 ** 10;
const PAYLOAD = /,\s*"payload"\s*:/;

/** The objects of the failure destination. */
export class FailureBucket {
  readonly #s3: S3Client;
  readonly #bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /** Keys of all that waits there. */
  async *keys(): AsyncGenerator<string> {
    const list = { Bucket: this.#bucket, Prefix: FAILURES_PREFIX };
    for await (const page of listPages(this.#s3, list)) {
      for (const { Key } of page) if (!Key!.endsWith("/")) yield Key!;
    }
  }

  /**
   * Reads what an object says of its batch, without the payload where that can be told from the beginning.
   *
   * @returns undefined where it is gone: another operator has moved it
   * @throws WireError BAD_FAILURE_RECORD
   */
  async describe(key: string): Promise<FailureRecord | undefined> {
    const head = await this.#text(key, `bytes=0-${HEAD_BYTES - 1}`);
    if (head === undefined) return undefined;
    const payload = PAYLOAD.exec(head);
    if (payload) {
      const value = parsed(`${head.slice(0, payload.index)}}`);
      if (value !== undefined) return parseFailureRecord(value, key);
    }
    const { payload: _, ...described } = await this.read(key);
    return { ...described, payload: undefined };
  }

  /** @throws WireError BAD_FAILURE_RECORD */
  async read(key: string): Promise<FailureRecord> {
    const text = await this.#text(key);
    if (text === undefined) throw new WireError("BAD_FAILURE_RECORD", `${key} is gone`);
    const value = parsed(text);
    if (value !== undefined) return parseFailureRecord(value, key);
    throw new WireError("BAD_FAILURE_RECORD", `${key} is no failure record: it is no JSON, or cut off`);
  }

  /** Does with an object what is wanted of one whose batch is in the lake. One that is gone is as well. */
  async settle(key: string, done: Done): Promise<void> {
    if (done === "keep") return;
    const object = { Bucket: this.#bucket, Key: key };
    try {
      if (done === "move") await this.#copy(key);
      await this.#s3.send(new DeleteObjectCommand(object));
    } catch (error) {
      if ((error as Error).name !== "NoSuchKey") throw error;
    }
  }

  async #copy(key: string): Promise<void> {
    const CopySource = `${this.#bucket}/${encodeURIComponent(key)}`;
    const copy = { Bucket: this.#bucket, Key: `${REPLAYED_PREFIX}${key}`, CopySource };
    // Its tags, which Lambda gives it none of, would want a right of their own.
    await this.#s3.send(new CopyObjectCommand({ ...copy, TaggingDirective: "REPLACE" }));
  }

  /** @returns undefined where it is gone */
  async #text(Key: string, Range?: string): Promise<string | undefined> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key, Range });
    try {
      const { Body, ContentLength = 0 } = await this.#s3.send(command);
      if (ContentLength > OBJECT_MAX_BYTES) {
        (Body as { destroy?(): void }).destroy?.();
        throw new WireError(
          "BAD_FAILURE_RECORD",
          `${Key} is no failure record: it has ${ContentLength} bytes`,
        );
      }
      return await Body!.transformToString();
    } catch (error) {
      const { name } = error as Error;
      if (name === "InvalidRange") return "";
      if (name === "NoSuchKey") return undefined;
      throw error;
    }
  }
}

/** @returns undefined for what is no JSON */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
