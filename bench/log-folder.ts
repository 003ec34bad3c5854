import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";

/**
 * A bucket whose log is in a folder, so that it takes no memory of the process that is measured. Of what is put it
 * keeps the loader's state, and counts the rest.
 */
export class LogFolder {
  requests = 0;
  /** Segments that were read whole. */
  got = 0;
  bytesPut = 0;
  readonly #folder: string;
  #state: Buffer | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get stateBytes(): number {
    return this.#state?.length ?? 0;
  }

  client(): S3Client {
    return { send: async (command: unknown) => this.#answer(command) } as unknown as S3Client;
  }

  #answer(command: unknown): object {
    this.requests++;
    if (command instanceof GetObjectCommand) return this.#get(command.input);
    if (command instanceof ListObjectsV2Command) return this.#list(command.input);
    if (command instanceof PutObjectCommand) return this.#put(command.input);
    throw new Error("no request of the loader's");
  }

  #get({ Key, Range }: GetObjectCommand["input"]): object {
    if (Key === "loads/state.json" && this.#state) {
      return { Body: { transformToString: async () => this.#state!.toString() }, ETag: this.#tag() };
    }
    const path = join(this.#folder, Key!.replace("log/", ""));
    if (!existsSync(path)) throw Object.assign(new Error(`${Key} is not there`), { name: "NoSuchKey" });
    const end = /^bytes=0-(\d+)$/.exec(Range ?? "")?.[1];
    const Body: Readable = createReadStream(path, end === undefined ? {} : { end: Number(end) });
    if (end === undefined) this.got++;
    const transformToByteArray = async (): Promise<Buffer> => Buffer.concat(await Body.toArray());
    return { Body: Object.assign(Body, { transformToByteArray }) };
  }

  #list({ StartAfter = "", Prefix = "", MaxKeys }: ListObjectsV2Command["input"]): object {
    const keys = readdirSync(this.#folder).map((name) => `log/${name}`);
    const after = keys.toSorted().filter((key) => key > StartAfter && key.startsWith(Prefix));
    const size = (key: string): number => statSync(join(this.#folder, key.replace("log/", ""))).size;
    const Contents = after.slice(0, MaxKeys).map((Key) => ({ Key, Size: size(Key), ETag: `"${size(Key)}"` }));
    return { Contents };
  }

  #put({ Key, Body }: PutObjectCommand["input"]): object {
    const body = Body as Buffer;
    if (Key !== "loads/state.json") {
      this.bytesPut += body.length;
      return {};
    }
    this.#state = body;
    return { ETag: this.#tag() };
  }

  #tag(): string {
    return createHash("md5").update(this.#state!).digest("hex");
  }
}
