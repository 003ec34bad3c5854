import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { type Commit, parseCommit } from "../../wire/commit.ts";
import { PREFIX } from "../../wire/keys.ts";
import { LoaderError } from "./loader-error.ts";
import { type LoaderState, parseState, STATE_KEY } from "./state.ts";

/** The lake's bucket as the loader needs it. One per tick: commits read once serve every table. */
export class Lake {
  readonly bucket: string;
  readonly #s3: S3Client;
  readonly #commits = new Map<string, Promise<Commit>>();
  #stateTag: string | undefined;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.bucket = bucket;
  }

  /** Keys of commits that sort after `after`, in order. */
  async *commitKeys(after: string): AsyncGenerator<string> {
    const list = {
      Bucket: this.bucket,
      Prefix: PREFIX.commits,
      StartAfter: after === "" ? undefined : after,
    };
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#s3.send(new ListObjectsV2Command({ ...list, ContinuationToken }));
      for (const { Key } of page.Contents ?? []) yield Key!;
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  /** @throws WireError BAD_COMMIT */
  commit(key: string): Promise<Commit> {
    let commit = this.#commits.get(key);
    if (!commit) {
      commit = this.#get(key).then(({ text }) => parseCommit(text, key));
      this.#commits.set(key, commit);
    }
    return commit;
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
