import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";

/** Objects that nobody has put: they are made when they are asked for, in the order of their keys. */
export interface MadeObjects {
  readonly prefix: string;
  /** Those whose keys sort after this one, in order. */
  listAfter(key: string): Iterable<ListedObject>;
  body(key: string): Buffer;
}

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly lastModified: Date;
}

/** Requests of one kind, and the bytes of their bodies. */
export interface Requests {
  readonly count: number;
  readonly bytes: number;
}

/** ListObjectsV2 gives no more. source: its API reference, read 2026-11 */
const PAGE_KEYS = 1_000;

/** For the warehouse, which there is none of here: those of a day would not fit into memory. */
const LOAD_FILE = /^loads\/[^/]+\//;

interface Input {
  readonly Key: string;
  readonly Body: Uint8Array;
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
  readonly Range?: string;
  readonly Prefix?: string;
  readonly StartAfter?: string;
  readonly ContinuationToken?: string;
  readonly MaxKeys?: number;
}

/**
 * One bucket of S3 in memory, behind the client's interface: pages of a thousand keys, ranges, conditional
 * writes, and every request counted. Answers at once, so what time passes is the caller's own.
 */
export class CountedS3 {
  readonly #objects = new Map<string, Buffer>();
  readonly #made: MadeObjects;
  #requests = new Map<string, Requests>();

  constructor(made: MadeObjects) {
    this.#made = made;
  }

  get client(): S3Client {
    return this as unknown as S3Client;
  }

  /** Counts from here on. @returns what was counted before, by kind: `LIST commits`, `GET log, a part`, ... */
  takeRequests(): ReadonlyMap<string, Requests> {
    const requests = this.#requests;
    this.#requests = new Map();
    return requests;
  }

  async send({
    constructor,
    input,
  }: {
    readonly constructor: { readonly name: string };
    readonly input: object;
  }) {
    switch (constructor.name) {
      case "PutObjectCommand":
        return this.#put(input as Input);
      case "GetObjectCommand":
        return this.#get(input as Input);
      case "ListObjectsV2Command":
        return this.#list(input as Input);
      default:
        throw new Error(`no ${constructor.name} here`);
    }
  }

  #count(verb: string, key: string, bytes = 0): void {
    const kind = `${verb} ${key.split("/", 1)[0]}`;
    const before = this.#requests.get(kind) ?? { count: 0, bytes: 0 };
    this.#requests.set(kind, { count: before.count + 1, bytes: before.bytes + bytes });
  }

  #put({ Key, Body, IfMatch, IfNoneMatch }: Input) {
    this.#count("PUT", Key, Body.length);
    const there = this.#objects.get(Key);
    const isRefused =
      IfNoneMatch === "*" ? there !== undefined : IfMatch !== undefined && IfMatch !== tag(there);
    if (isRefused) throw serviceError("PreconditionFailed", 412);
    const body = Buffer.from(Body);
    if (!LOAD_FILE.test(Key)) this.#objects.set(Key, body);
    return { ETag: tag(body) };
  }

  #get({ Key, Range }: Input) {
    const whole = Key.startsWith(this.#made.prefix) ? this.#made.body(Key) : this.#objects.get(Key);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(Range ?? "") ?? [];
    const body = from === undefined ? whole : whole?.subarray(Number(from), Number(to) + 1);
    this.#count(from === undefined ? "GET" : "GET head of", Key, body?.length);
    if (whole === undefined || body === undefined) throw serviceError("NoSuchKey", 404);
    return { Body: streamOf(body), ContentLength: body.length, ETag: tag(whole) };
  }

  #list({ Prefix = "", StartAfter = "", ContinuationToken, MaxKeys = PAGE_KEYS }: Input) {
    this.#count("LIST", Prefix);
    const after = ContinuationToken ?? StartAfter;
    const Contents: { Key: string; Size: number; LastModified: Date }[] = [];
    for (const { key, bytes, lastModified } of this.#listAfter(after < Prefix ? Prefix : after)) {
      if (!key.startsWith(Prefix)) break;
      if (Contents.length === Math.min(MaxKeys, PAGE_KEYS)) {
        return { Contents, IsTruncated: true, NextContinuationToken: Contents.at(-1)!.Key };
      }
      Contents.push({ Key: key, Size: bytes, LastModified: lastModified });
    }
    return { Contents, IsTruncated: false };
  }

  #listAfter(after: string): Iterable<ListedObject> {
    if (after.startsWith(this.#made.prefix)) return this.#made.listAfter(after);
    const keys = [...this.#objects.keys()].filter((key) => key > after).sort();
    return keys.map((key) => ({ key, bytes: this.#objects.get(key)!.length, lastModified: new Date() }));
  }
}

function tag(body: Buffer | undefined): string | undefined {
  return body && `"${createHash("md5").update(body).digest("hex")}"`;
}

/** What the SDK hands out: a stream that can also be read whole. */
function streamOf(body: Buffer): object {
  return Object.assign(Readable.from([body]), {
    transformToString: async () => body.toString(),
    transformToByteArray: async () => body,
  });
}

function serviceError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });
}
