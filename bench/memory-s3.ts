import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  GetObjectCommand,
  ListObjectsV2Command,
  type PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";

interface StoredObject {
  readonly bytes: number;
  readonly body: () => Buffer;
  readonly etag: string;
  readonly lastModified: Date;
}

/** Requests by kind, and what they moved. */
export interface S3Counts {
  list: number;
  get: number;
  put: number;
  bytesRead: number;
  bytesWritten: number;
}

const PAGE_KEYS = 1_000;

/**
 * A bucket in memory that keeps S3's promises: what was put is there at once, lists are in the order of keys and show
 * what is there when a page is read, conditions of puts hold, and times are whole seconds.
 */
export class MemoryS3 {
  readonly counts: S3Counts = { list: 0, get: 0, put: 0, bytesRead: 0, bytesWritten: 0 };
  now: () => Date = () => new Date();
  pageKeys = PAGE_KEYS;
  readonly #objects = new Map<string, StoredObject>();
  /** Sorted as far as `#isSorted` says. */
  #keys: string[] = [];
  #isSorted = true;

  /** @param gate what each request waits for; it carries the request out, or throws */
  client(
    gate: <T>(request: Request, carryOut: () => T) => Promise<T> = async (_, carryOut) => carryOut(),
  ): S3Client {
    const send = (command: Command): Promise<unknown> => {
      const request = requestOf(command);
      return gate(request, () => this.#carryOut(command));
    };
    return { send, destroy: () => {} } as unknown as S3Client;
  }

  put(key: string, body: Buffer, lastModified: Date = this.now()): string {
    const etag = `"${createHash("md5").update(body).digest("hex")}"`;
    this.#store(key, { bytes: body.length, body: () => body, etag, lastModified });
    return etag;
  }

  /** Puts an object whose bytes are made, or fetched, when it is read. */
  putMade(key: string, bytes: number, body: () => Buffer): void {
    this.#store(key, { bytes, body, etag: `"${key}"`, lastModified: this.now() });
  }

  #store(key: string, object: StoredObject): void {
    if (!this.#objects.has(key)) {
      this.#isSorted &&= this.#keys.length === 0 || this.#keys.at(-1)! < key;
      this.#keys.push(key);
    }
    const seconds = Math.floor(object.lastModified.getTime() / 1_000);
    this.#objects.set(key, { ...object, lastModified: new Date(1_000 * seconds) });
  }

  get(key: string): Buffer | undefined {
    return this.#objects.get(key)?.body();
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#keys = this.#keys.filter((other) => other !== key);
  }

  keys(prefix = ""): string[] {
    return this.#sorted().filter((key) => key.startsWith(prefix));
  }

  #carryOut(command: Command): unknown {
    if (command instanceof ListObjectsV2Command) return this.#list(command.input);
    if (command instanceof GetObjectCommand) return this.#get(command.input);
    return this.#put(command.input);
  }

  #list({
    Prefix = "",
    StartAfter = "",
    ContinuationToken,
    MaxKeys = PAGE_KEYS,
  }: ListObjectsV2Command["input"]) {
    this.counts.list++;
    const after = ContinuationToken ?? StartAfter;
    const keys = this.#sorted();
    let at = firstAfter(keys, after > Prefix ? after : Prefix, after >= Prefix);
    const Contents = [];
    for (; at < keys.length && Contents.length < Math.min(MaxKeys, this.pageKeys); at++) {
      const Key = keys[at]!;
      if (!Key.startsWith(Prefix)) break;
      const { bytes, lastModified, etag } = this.#objects.get(Key)!;
      Contents.push({ Key, Size: bytes, LastModified: lastModified, ETag: etag });
    }
    const isTruncated = keys[at]?.startsWith(Prefix) === true;
    return { Contents, ...(isTruncated && { NextContinuationToken: Contents.at(-1)?.Key }) };
  }

  #get({ Key, Range }: GetObjectCommand["input"]) {
    this.counts.get++;
    const object = this.#objects.get(Key!);
    if (!object) throw named("NoSuchKey", `${Key} is not there`, 404);
    const end = Range === undefined ? undefined : Number(Range.slice(Range.indexOf("-") + 1)) + 1;
    const body = object.body().subarray(0, end);
    this.counts.bytesRead += body.length;
    return {
      ETag: object.etag,
      ContentLength: body.length,
      LastModified: object.lastModified,
      Body: Object.assign(Readable.from(chunksOf(body), { objectMode: false }), {
        transformToByteArray: () => Promise.resolve(body),
        transformToString: () => Promise.resolve(body.toString()),
      }),
    };
  }

  #put({ Key, Body, IfMatch, IfNoneMatch }: PutObjectCommand["input"]) {
    this.counts.put++;
    const there = this.#objects.get(Key!);
    if (IfNoneMatch === "*" && there) throw named("PreconditionFailed", `${Key} is there`, 412);
    if (IfMatch !== undefined && !there) throw named("NoSuchKey", `${Key} is not there`, 404);
    if (IfMatch !== undefined && there?.etag !== IfMatch) {
      throw named("PreconditionFailed", `${Key} is another`, 412);
    }
    const body = Body as Buffer;
    this.counts.bytesWritten += body.length;
    return { ETag: this.put(Key!, body) };
  }

  #sorted(): string[] {
    if (!this.#isSorted) this.#keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    this.#isSorted = true;
    return this.#keys;
  }
}

type Command = ListObjectsV2Command | GetObjectCommand | PutObjectCommand;

export interface Request {
  readonly kind: "list" | "get" | "put";
  readonly key: string;
}

function requestOf(command: Command): Request {
  if (command instanceof ListObjectsV2Command) return { kind: "list", key: command.input.Prefix ?? "" };
  return { kind: command instanceof GetObjectCommand ? "get" : "put", key: command.input.Key! };
}

/** As the SDK names the services' errors. */
function named(name: string, message: string, httpStatusCode: number): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
}

const CHUNK_BYTES = 64 * 2 ** 10;

function* chunksOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += CHUNK_BYTES) yield body.subarray(at, at + CHUNK_BYTES);
}

/** Index of the first key after `after`, or at it unless `isExclusive`. */
function firstAfter(keys: readonly string[], after: string, isExclusive: boolean): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < after || (isExclusive && keys[middle] === after)) low = middle + 1;
    else high = middle;
  }
  return low;
}
