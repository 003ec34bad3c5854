import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { SHARD_WRITE_BYTES_PER_SECOND, SHARD_WRITE_RECORDS_PER_SECOND } from "../../wire/limits.ts";

interface Entry {
  readonly Data: string;
  readonly PartitionKey: string;
  readonly ExplicitHashKey: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Result {
  readonly ShardId?: string;
  readonly ErrorCode?: string;
}

/** What becomes of a request; "pass" most often. */
const FATES = [
  ...Array.from({ length: 12 }, () => "pass" as const),
  "some",
  "some",
  "some",
  "500",
  "503",
  "throttle",
  "reset-before",
  "reset-after",
  "time-out-after",
  "slow",
  "reshard",
] as const;

export interface FaultProxyOptions {
  readonly target: string;
  readonly random: () => number;
  /** The shard that a record would get to now. */
  readonly owner: (explicitHashKey: string) => string;
  readonly reshard: () => Promise<void> | void;
}

/** Stands before a Kinesis that never fails, keeps to the limits of each shard, and fails at random. */
export class FaultProxy implements AsyncDisposable {
  refused = 0;
  readonly #options: FaultProxyOptions;
  readonly #seconds = new Map<string, { atMs: number; bytes: number; records: number }>();
  readonly #server: Server;

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      // A client that went away is no fault of ours.
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const operation = String(request.headers["x-amz-target"]);
    const fate = FATES[Math.floor(this.#options.random() * FATES.length)]!;
    if (fate === "reset-before") return void response.destroy();
    if (fate === "500" || fate === "503") return reply(response, failure(Number(fate), "InternalFailure"));
    if (fate === "throttle") return reply(response, failure(400, "ProvisionedThroughputExceededException"));
    if (fate === "reshard") await this.#options.reshard();
    const answer = operation.endsWith(".PutRecords")
      ? await this.#put(request, JSON.parse(body) as { Records: Entry[] }, fate === "some")
      : await this.#forward(request, body);
    if (fate === "reset-after") return void response.destroy();
    if (fate === "time-out-after") await sleep(400);
    if (fate === "slow") await sleep(100);
    reply(response, answer);
  }

  /** Passes on what its shards can take, and puts the answer together from that and what was refused. */
  async #put(request: IncomingMessage, body: { Records: Entry[] }, isFailing: boolean): Promise<Answer> {
    const refusals = body.Records.map((entry) => this.#refusal(entry, isFailing));
    const taken = body.Records.filter((_, i) => refusals[i] === undefined);
    let results: Result[] = [];
    if (taken.length > 0) {
      const answer = await this.#forward(request, JSON.stringify({ ...body, Records: taken }));
      if (answer.status !== 200) return answer;
      results = (JSON.parse(answer.body) as { Records: Result[] }).Records;
    }
    const Records = refusals.map((ErrorCode) => (ErrorCode === undefined ? results.shift() : { ErrorCode }));
    return { status: 200, body: JSON.stringify({ Records }) };
  }

  #refusal({ Data, PartitionKey, ExplicitHashKey }: Entry, isFailing: boolean): string | undefined {
    const { random, owner } = this.#options;
    if (isFailing && random() < 0.5) return "InternalFailure";
    const now = performance.now();
    const shard = owner(ExplicitHashKey);
    let second = this.#seconds.get(shard);
    if (second === undefined || now - second.atMs >= 1_000) second = { atMs: now, bytes: 0, records: 0 };
    this.#seconds.set(shard, second);
    second.bytes += Buffer.byteLength(Data, "base64") + PartitionKey.length;
    second.records++;
    if (second.bytes <= SHARD_WRITE_BYTES_PER_SECOND && second.records <= SHARD_WRITE_RECORDS_PER_SECOND)
      return undefined;
    this.refused++;
    return "ProvisionedThroughputExceededException";
  }

  async #forward({ headers }: IncomingMessage, body: string): Promise<Answer> {
    const answer = await fetch(this.#options.target, {
      method: "POST",
      headers: {
        "x-amz-target": String(headers["x-amz-target"]),
        "content-type": String(headers["content-type"]),
        authorization: String(headers.authorization),
        "x-amz-date": String(headers["x-amz-date"]),
      },
      body,
    });
    return { status: answer.status, body: await answer.text() };
  }
}

function failure(status: number, type: string): Answer {
  return { status, body: JSON.stringify({ __type: type, message: "at random" }) };
}

function reply(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
  response.end(body);
}
