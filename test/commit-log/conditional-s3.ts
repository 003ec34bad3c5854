import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { startFauxqs, type FauxqsServer } from "fauxqs";

const CLIENT = {
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  forcePathStyle: true,
};

/**
 * fauxqs, which ignores conditions, behind a proxy that honours them as S3 does: If-Match and If-None-Match of
 * a PUT, one write of a key at a time.
 */
export class ConditionalS3 implements AsyncDisposable {
  readonly s3: S3Client;
  readonly endpoint: string;
  /** Told of each request before it is answered. True: its answer is lost, though the request was carried out. */
  losesAnswer: (incoming: IncomingMessage) => boolean = () => false;
  readonly #fauxqs: FauxqsServer;
  readonly #proxy: Server;
  readonly #upstream: S3Client;
  readonly #writes = new Map<string, Promise<void>>();
  #buckets = 0;

  static async start(): Promise<ConditionalS3> {
    const fauxqs = await startFauxqs({ port: 0, logger: false });
    const proxy = createServer({ keepAliveTimeout: 0 });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    return new ConditionalS3(fauxqs, proxy);
  }

  private constructor(fauxqs: FauxqsServer, proxy: Server) {
    this.#fauxqs = fauxqs;
    this.#proxy = proxy;
    this.#upstream = new S3Client({ ...CLIENT, endpoint: `http://127.0.0.1:${fauxqs.port}` });
    this.endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    this.s3 = new S3Client({ ...CLIENT, endpoint: this.endpoint });
    proxy.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const { url = "", method } = incoming;
      const before = this.#writes.get(url);
      const answered =
        method === "PUT"
          ? Promise.resolve(before).then(() => this.#write(incoming, outgoing))
          : this.#forward(incoming, outgoing);
      if (method === "PUT") this.#writes.set(url, answered);
    });
  }

  newBucket(): string {
    const bucket = `bucket-${this.#buckets++}`;
    this.#fauxqs.createBucket(bucket);
    return bucket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.s3.destroy();
    this.#upstream.destroy();
    this.#proxy.closeAllConnections();
    this.#proxy.close();
    await this.#fauxqs.stop();
  }

  async #write(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = incoming.headers;
    const tag = (ifMatch ?? ifNoneMatch) ? await this.#tagOf(incoming.url!) : undefined;
    if (ifNoneMatch !== undefined && tag !== undefined) return refuse(incoming, outgoing, 412);
    if (ifMatch !== undefined && tag === undefined) return refuse(incoming, outgoing, 404);
    if (ifMatch !== undefined && tag !== ifMatch) return refuse(incoming, outgoing, 412);
    return this.#forward(incoming, outgoing);
  }

  async #tagOf(url: string): Promise<string | undefined> {
    const [, bucket, ...key] = new URL(url, "http://s3").pathname.split("/").map(decodeURIComponent);
    try {
      return (await this.#upstream.send(new HeadObjectCommand({ Bucket: bucket, Key: key.join("/") }))).ETag;
    } catch {
      return undefined;
    }
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method, url: path, headers } = incoming;
    return new Promise((done) => {
      const options = { port: this.#fauxqs.port, host: "127.0.0.1", method, path, headers, agent: false };
      const onward = request(options, (answer) => {
        answer.once("close", done);
        if (this.losesAnswer(incoming)) {
          answer.resume();
          incoming.socket.destroy();
          return;
        }
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on("error", () => {
        outgoing.destroy();
        done();
      });
      incoming.pipe(onward);
    });
  }
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, status: 404 | 412): void {
  const code = status === 404 ? "NoSuchKey" : "PreconditionFailed";
  incoming.resume();
  outgoing.writeHead(status, { "content-type": "application/xml" });
  outgoing.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}
