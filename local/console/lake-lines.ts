import { GetObjectCommand, NoSuchKey, type S3Client } from "@aws-sdk/client-s3";
import { objectLines } from "../../lambdas/commit-log/object-lines.ts";
import { RouteRefusal } from "./route.ts";

/** Largest object that S3 on this machine takes. */
const PACKED_MAX_BYTES = 11 * 2 ** 20;

/** Reads objects of the lake for the page: a part of each, which is let go of before the rest is unpacked. */
export class LakeLines {
  readonly #s3: S3Client;
  readonly #bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /** Lines as they stand in the object, from the first. @throws RouteRefusal where there is none */
  async *lines(key: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    yield* objectLines(key, await this.bytes(key, signal));
  }

  /** The first lines, up to so many, and so many bytes of all of them. */
  async first(
    key: string,
    { lines, bytes }: { readonly lines: number; readonly bytes: number },
    signal: AbortSignal,
  ): Promise<{ readonly lines: string[]; readonly isAll: boolean }> {
    const found: string[] = [];
    let room = bytes;
    for await (const line of this.lines(key, signal)) {
      if (found.length === lines || room <= 0) return { lines: found, isAll: false };
      found.push(clipped(line, room));
      room -= line.length;
    }
    return { lines: found, isAll: true };
  }

  /** The object as it is stored. @throws RouteRefusal */
  async bytes(key: string, signal: AbortSignal): Promise<Buffer> {
    try {
      const request = new GetObjectCommand({ Bucket: this.#bucket, Key: key });
      const { Body, ContentLength = 0 } = await this.#s3.send(request, { abortSignal: signal });
      if (ContentLength > PACKED_MAX_BYTES) throw new RouteRefusal(413, `${key} has ${ContentLength} bytes`);
      return Buffer.from(await Body!.transformToByteArray());
    } catch (error) {
      if (error instanceof NoSuchKey) throw new RouteRefusal(404, `there is no object ${key}`);
      throw error;
    }
  }
}

function clipped(line: Buffer, maxBytes: number): string {
  const text = line.subarray(0, maxBytes).toString("utf8");
  return line.length > maxBytes ? `${text}…` : text;
}
