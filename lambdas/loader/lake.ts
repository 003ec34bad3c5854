import type { Readable } from "node:stream";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { assertCommitSize, type Commit, parseCommit } from "../../wire/commit.ts";
import { PREFIX } from "../../wire/keys.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import { CommitCache } from "./commit-cache.ts";
import { LoaderError } from "./loader-error.ts";
import { type LoaderState, parseState, STATE_KEY } from "./state.ts";

/** Text of the commits that are kept for the next table; their objects take about ten times as much. */
const CACHED_COMMIT_BYTES = 8 * 2 ** 20;

/** A commit that is there. */
export interface ListedCommit {
  readonly key: string;
  readonly bytes: number;
}

/** The lake's bucket as the loader needs it. One per tick: commits read once serve every table. */
export class Lake {
  readonly bucket: string;
  readonly #s3: S3Client;
  readonly #commits = new CommitCache(CACHED_COMMIT_BYTES);
  #stateTag: string | undefined;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.bucket = bucket;
  }

  /** Commits whose keys sort after `after`, in order. */
  async *listCommits(after: string): AsyncGenerator<ListedCommit> {
    const list = {
      Bucket: this.bucket,
      Prefix: PREFIX.commits,
      StartAfter: after === "" ? undefined : after,
    };
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#s3.send(new ListObjectsV2Command({ ...list, ContinuationToken }));
      // What has no size counts as the largest.
      for (const { Key, Size = COMMIT_MAX_BYTES } of page.Contents ?? []) yield { key: Key!, bytes: Size };
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  /** @throws WireError BAD_COMMIT */
  async commit({ key, bytes }: ListedCommit): Promise<Commit> {
    assertCommitSize(bytes, key);
    const known = this.#commits.get(key);
    if (known) return known;
    const commit = this.#readCommit(key);
    this.#commits.set(key, commit, bytes);
    return commit;
  }

  /** What is too large is left unread: it may be another object than the one that was listed. */
  async #readCommit(key: string): Promise<Commit> {
    const { Body, ContentLength = 0 } = await this.#s3.send(
      new GetObjectCommand({ Bucket: this.bucket, Key: key }),
    );
    try {
      assertCommitSize(ContentLength, key);
    } catch (error) {
      (Body as Readable).destroy();
      throw error;
    }
    return parseCommit(await Body!.transformToString(), key);
  }

  async put(key: string, text: string): Promise<void> {
    const Body = Buffer.from(text);
    const object = { Bucket: this.bucket, Key: key, Body, ContentLength: Body.length };
    await this.#s3.send(new PutObjectCommand(object));
  }

  /** @throws LoaderError BAD_STATE */
  async state(): Promise<LoaderState> {
    try {
      const { text, tag } = await this.#get(STATE_KEY);
      this.#stateTag = tag;
      return parseState(text);
    } catch (error) {
      if ((error as Error).name !== "NoSuchKey") throw error;
      return parseState(undefined);
    }
  }

  /** Saves over the state that was read, and no other. @throws LoaderError STATE_CONFLICT */
  async saveState(state: LoaderState): Promise<void> {
    const Body = Buffer.from(JSON.stringify(state));
    const over = this.#stateTag === undefined ? { IfNoneMatch: "*" } : { IfMatch: this.#stateTag };
    const object = { Bucket: this.bucket, Key: STATE_KEY, Body, ContentLength: Body.length, ...over };
    try {
      this.#stateTag = (await this.#s3.send(new PutObjectCommand(object))).ETag;
    } catch (cause) {
      const { name } = cause as Error;
      if (name !== "PreconditionFailed" && name !== "ConditionalRequestConflict") throw cause;
      const hint = "the next tick goes on from there";
      throw new LoaderError("STATE_CONFLICT", "another loader saved its state meanwhile", hint, { cause });
    }
  }

  async #get(key: string): Promise<{ text: string; tag: string | undefined }> {
    const { Body, ETag } = await this.#s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return { text: await Body!.transformToString(), tag: ETag };
  }
}
