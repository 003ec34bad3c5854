import type { Readable } from "node:stream";
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import { entryLine, unreadableLine } from "../../wire/segment-entry.ts";
import type { ListedCommit } from "../commit-log/commit-listing.ts";
import { type CommitSummary, summaryOf } from "./commit-summary.ts";

/** A commit's line for a segment. */
export interface CommitLine {
  readonly line: Buffer;
  /** Undefined for what nobody can read, or not as a commit. */
  readonly summary: CommitSummary | undefined;
  /** Why the line says that it cannot be read. */
  readonly unreadable?: string;
}

/** `gone`: it was removed after it was listed. `failed`: it may be read another time. */
export type ReadCommit = CommitLine | { readonly gone: true } | { readonly failed: Error };

/** What came of a commit before its turn. */
export type EarlyRead = ReadCommit | { readonly refused: Error };

/** Refusals of a run that are put down to the objects: more of them, and it is the role or the bucket. */
const MAX_REFUSALS = 10;

/** Reads the commits of one run. */
export class CommitReader {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #requests = new Set<Promise<GetObjectCommandOutput>>();
  #hasRead = false;
  #refusals = 0;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /** Never throws: it is called ahead of the commit's turn. */
  async read({ key, bytes }: ListedCommit): Promise<EarlyRead> {
    if (bytes > COMMIT_MAX_BYTES) return tooLarge(key, bytes);
    try {
      const { Body, ContentLength = 0 } = await this.#get(key);
      if (ContentLength > COMMIT_MAX_BYTES) {
        (Body as Readable).destroy();
        return tooLarge(key, ContentLength);
      }
      return lineOf(key, Buffer.from(await Body!.transformToByteArray()));
    } catch (error) {
      const { name } = error as Error;
      if (name === "NoSuchKey") return { gone: true };
      return REFUSALS.has(name) ? { refused: error as Error } : { failed: error as Error };
    }
  }

  /**
   * What a commit is whose turn it is. One that S3 refuses while it gives others must not hold up those after it;
   * if it gives none, role or bucket are wrong, and it is read another time.
   */
  async settle({ key }: ListedCommit, read: EarlyRead): Promise<ReadCommit> {
    if (!("refused" in read)) return read;
    if (!this.#hasRead) await Promise.allSettled(this.#requests);
    const isAlone = this.#hasRead && ++this.#refusals <= MAX_REFUSALS;
    return isAlone ? unreadable(key, `S3 says ${read.refused.name}`) : { failed: read.refused };
  }

  async #get(key: string): Promise<GetObjectCommandOutput> {
    const request = this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    this.#requests.add(request);
    try {
      const answer = await request;
      this.#hasRead = true;
      return answer;
    } finally {
      this.#requests.delete(request);
    }
  }
}

/** An object that is archived, or encrypted with a key that is gone or was the writer's own. S3 and KMS, read 2026-11. */
const REFUSALS = new Set([
  "AccessDenied",
  "InvalidObjectState",
  "InvalidRequest",
  "KMS.DisabledException",
  "KMS.KMSInvalidStateException",
  "KMS.NotFoundException",
]);

function lineOf(key: string, body: Buffer): CommitLine {
  try {
    const summary = summaryOf(JSON.parse(body.toString()));
    return { line: entryLine(key, body), summary };
  } catch (error) {
    return unreadable(key, `it is no JSON: ${(error as Error).message}`);
  }
}

const tooLarge = (key: string, bytes: number): CommitLine =>
  unreadable(key, `it has ${bytes} bytes, and a commit at most ${COMMIT_MAX_BYTES}`);

function unreadable(key: string, why: string): CommitLine {
  return { line: unreadableLine(key, why), summary: undefined, unreadable: why };
}
