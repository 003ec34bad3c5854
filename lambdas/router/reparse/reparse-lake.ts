import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { listPages } from "../../commit-log/list-pages.ts";
import { UnreadableObject } from "../../commit-log/object-lines.ts";

/** The lake, as a reparse reads it. */
export class ReparseLake {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly #maxBytes: number;
  readonly #signal: AbortSignal;

  /** @param maxBytes of an object as it is stored, since it is held whole */
  constructor(s3: S3Client, bucket: string, maxBytes: number, signal: AbortSignal) {
    this.s3 = s3;
    this.bucket = bucket;
    this.#maxBytes = maxBytes;
    this.#signal = signal;
  }

  /** @throws UnreadableObject where it is gone, or larger than there is room for */
  async get(key: string): Promise<Buffer> {
    const { Body, ContentLength = 0 } = await this.#get(key);
    if (ContentLength > this.#maxBytes) {
      (Body as { destroy?: () => void }).destroy?.();
      const why = `it has ${ContentLength} bytes, and there is room for ${this.#maxBytes}: raise router.memoryMb`;
      throw new UnreadableObject(key, why);
    }
    const bytes = await Body!.transformToByteArray();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  async #get(Key: string) {
    try {
      return await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key }), {
        abortSignal: this.#signal,
      });
    } catch (cause) {
      if ((cause as Error).name !== "NoSuchKey") throw cause;
      throw new UnreadableObject(Key, "it is not there any more", { cause });
    }
  }

  /** What is in a folder, without what is in folders of it. */
  async list(Prefix: string): Promise<string[]> {
    const keys: string[] = [];
    const list = { Bucket: this.bucket, Prefix, Delimiter: "/" };
    for await (const page of listPages(this.s3, list, this.#signal)) {
      for (const { Key } of page) keys.push(Key!);
    }
    return keys;
  }
}
