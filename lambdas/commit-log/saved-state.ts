import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { CommitLogError } from "./commit-log-error.ts";

/** Where a state is kept, and what it is. */
export interface SavedStateOptions<T> {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly key: string;
  /** What there is before the first save. */
  readonly initial: T;
  /** Checks what was read. Whatever it throws becomes the cause of BAD_STATE. */
  readonly parse: (value: unknown) => T;
  /** What a person can do when the state cannot be read. */
  readonly hint?: string;
}

/**
 * What S3 answers where the condition does not hold: another body, none any more, or a write at the same time.
 * source: "How to prevent object overwrites with conditional writes", Amazon S3, read 2026-11
 */
const CONFLICTS = new Set(["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"]);

/**
 * What a consumer remembers between two runs, in an object of JSON. It is saved over what was read, and over
 * nothing else: of two runs at the same time, the slower one fails instead of undoing what the other did.
 */
export class SavedState<T> {
  readonly #options: SavedStateOptions<T>;
  #tag: string | undefined;

  constructor(options: SavedStateOptions<T>) {
    this.#options = options;
  }

  /** @throws CommitLogError BAD_STATE */
  async read(): Promise<T> {
    const { key, initial, parse, hint } = this.#options;
    const stored = await this.#get();
    this.#tag = stored?.tag;
    if (stored === undefined) return initial;
    try {
      return parse(JSON.parse(stored.text));
    } catch (cause) {
      throw new CommitLogError("BAD_STATE", `${key} cannot be read`, hint, { cause });
    }
  }

  /** Call read() before. @throws CommitLogError STATE_CONFLICT */
  async save(state: T): Promise<void> {
    const { s3, bucket, key } = this.#options;
    const text = JSON.stringify(state);
    const Body = Buffer.from(text);
    const over = this.#tag === undefined ? { IfNoneMatch: "*" } : { IfMatch: this.#tag };
    const object = { Bucket: bucket, Key: key, Body, ContentLength: Body.length, ...over };
    try {
      this.#tag = (await s3.send(new PutObjectCommand(object))).ETag;
    } catch (cause) {
      if (!CONFLICTS.has((cause as Error).name)) throw cause;
      if (await this.#isSaved(text)) return;
      const hint = "the next run goes on from there";
      throw new CommitLogError("STATE_CONFLICT", `another run saved ${key} meanwhile`, hint, { cause });
    }
  }

  /** A request that is sent again, since its answer was lost, finds what it wrote itself. */
  async #isSaved(text: string): Promise<boolean> {
    const stored = await this.#get();
    if (stored?.text !== text) return false;
    this.#tag = stored.tag;
    return true;
  }

  async #get(): Promise<{ text: string; tag: string | undefined } | undefined> {
    const { s3, bucket, key } = this.#options;
    try {
      const { Body, ETag } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return { text: await Body!.transformToString(), tag: ETag };
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  }
}
