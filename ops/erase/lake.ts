import type { Readable } from "node:stream";
import {
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ObjectIdentifier,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { listPages } from "../../lambdas/commit-log/list-pages.ts";

/** What S3 takes in one request. DeleteObjects reference, read 2026-11 */
const DELETED_AT_ONCE = 1_000;

/** What S3 answers where the condition of a write does not hold. */
const CONFLICTS = new Set(["PreconditionFailed", "ConditionalRequestConflict"]);

/** What S3 would not remove. */
export interface NotRemoved {
  readonly key: string;
  readonly error: string;
}

/** The lake's bucket, as an erasure works on it. */
export class EraseLake {
  readonly bucket: string;
  readonly #s3: S3Client;

  constructor({ s3, bucket }: { readonly s3: S3Client; readonly bucket: string }) {
    this.#s3 = s3;
    this.bucket = bucket;
  }

  /** @returns undefined where there is none */
  async get(key: string): Promise<Buffer | undefined> {
    try {
      const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      return Buffer.concat(await (Body as Readable).toArray());
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  }

  async put(key: string, body: Buffer | string): Promise<void> {
    const Body = Buffer.from(body as string);
    const object = { Bucket: this.bucket, Key: key, Body, ContentLength: Body.length };
    await this.#s3.send(new PutObjectCommand(object));
  }

  /** @returns false where there is another one already */
  async putNew(key: string, body: string): Promise<boolean> {
    const Body = Buffer.from(body);
    const there = await this.get(key);
    if (there) return there.equals(Body);
    const object = { Bucket: this.bucket, Key: key, Body, ContentLength: Body.length, IfNoneMatch: "*" };
    try {
      await this.#s3.send(new PutObjectCommand(object));
      return true;
    } catch (error) {
      if (!CONFLICTS.has((error as Error).name)) throw error;
      // A request that is sent again, since its answer was lost, finds what it wrote itself.
      return (await this.get(key))?.equals(Body) ?? false;
    }
  }

  /** In order. */
  async *keys(Prefix: string): AsyncGenerator<string> {
    for await (const page of listPages(this.#s3, { Bucket: this.bucket, Prefix })) {
      for (const { Key } of page) yield Key!;
    }
  }

  /** Whether the bucket keeps, or has kept, what is removed. */
  async isVersioned(): Promise<boolean> {
    const { Status } = await this.#s3.send(new GetBucketVersioningCommand({ Bucket: this.bucket }));
    return Status !== undefined;
  }

  /** Removes objects for good: a bucket with versions has none of them left, and no marker either. */
  async remove(
    keys: ReadonlySet<string>,
    prefixes: readonly string[],
    isVersioned: boolean,
  ): Promise<NotRemoved[]> {
    const notRemoved: NotRemoved[] = [];
    let batch: ObjectIdentifier[] = [];
    const add = async (object: ObjectIdentifier): Promise<void> => {
      batch.push(object);
      if (batch.length < DELETED_AT_ONCE) return;
      notRemoved.push(...(await this.#delete(batch)));
      batch = [];
    };
    if (!isVersioned) for (const Key of keys) await add({ Key });
    else {
      for (const prefix of prefixes) {
        for await (const version of this.#versions(prefix)) if (keys.has(version.Key!)) await add(version);
      }
    }
    if (batch.length > 0) notRemoved.push(...(await this.#delete(batch)));
    return notRemoved;
  }

  async *#versions(Prefix: string): AsyncGenerator<ObjectIdentifier> {
    let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
    for (let more = true; more;) {
      const list = new ListObjectVersionsCommand({ Bucket: this.bucket, Prefix, ...next });
      const {
        Versions = [],
        DeleteMarkers = [],
        IsTruncated,
        NextKeyMarker,
        NextVersionIdMarker,
      } = await this.#s3.send(list);
      for (const { Key, VersionId } of [...Versions, ...DeleteMarkers]) yield { Key: Key!, VersionId };
      next = { KeyMarker: NextKeyMarker, VersionIdMarker: NextVersionIdMarker };
      more = IsTruncated === true;
    }
  }

  async #delete(Objects: ObjectIdentifier[]): Promise<NotRemoved[]> {
    const Delete = { Objects, Quiet: true };
    const { Errors = [] } = await this.#s3.send(new DeleteObjectsCommand({ Bucket: this.bucket, Delete }));
    return Errors.map(({ Key, Code, Message }) => ({ key: Key!, error: `${Code}: ${Message}` }));
  }
}
