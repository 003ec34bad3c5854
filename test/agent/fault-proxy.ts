import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { ShardLimits } from "../../bench/shard-limits.ts";
import {
  JsonServer,
  operationOf,
  type PutRecordsEntry,
  type PutRecordsRequest,
  reply,
  sizeOf,
} from "./json-server.ts";
import { readRequest } from "./kinesis-message.ts";
import type { LocalStream } from "./local-stream.ts";

/** What becomes of a request. */
export type Fate =
  | "pass"
  | "some" //             about half of the entries are not taken
  | "500" //              nothing is taken
  | "503"
  | "throttle" //         the whole request is refused
  | "reset-early" //      the connection breaks before the request is read
  | "reset-before" //     and before anything is taken
  | "reset-after" //      everything is taken, and the connection breaks before the answer
  | "time-out-after" //   everything is taken, and no answer comes
  | "stall-after" //      everything is taken, and the answer stops after its headers
  | "slow"
  | "reshard"; //         a shard is split, or two are merged, just before

/** "pass" most often. */
const FATES: readonly Fate[] = [
  ...Array.from({ length: 12 }, () => "pass" as const),
  ...Array.from({ length: 3 }, () => "some" as const),
  ...(["500", "503", "throttle", "slow", "reshard"] as const),
  ...(["reset-early", "reset-before", "reset-after", "time-out-after", "stall-after"] as const),
];
const SLOW_MS = 100;
/** Time for the client to read an answer. */
const SURE_MS = 10;

interface Answer {
  readonly status: number;
  readonly body: object | string;
}

interface Result {
  readonly ShardId?: string;
  readonly ErrorCode?: string;
}

export interface FaultProxyOptions {
  readonly stream: LocalStream;
  readonly limits: ShardLimits;
  readonly random: () => number;
  /** Of the next request; at random by default. */
  readonly fate?: (operation: string) => Fate;
  /** When the client gives an answer up. */
  readonly timeoutMs: number;
}

/** Stands before a Kinesis that never fails, keeps to the limits of its shards, and fails. */
export class FaultProxy implements AsyncDisposable {
  /** Data of records that were taken, perhaps without the client being told: only these may come again. */
  readonly untold: Buffer[] = [];
  readonly #options: FaultProxyOptions;
  #server: JsonServer | undefined;

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    proxy.#server = await JsonServer.start((request, response) => proxy.#answer(request, response));
    return proxy;
  }

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
  }

  get endpoint(): string {
    return this.#server!.endpoint;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { random, fate: chooseFate, stream } = this.#options;
    const since = performance.now();
    const operation = operationOf(request);
    const fate = chooseFate?.(operation) ?? FATES[Math.floor(random() * FATES.length)]!;
    if (fate === "reset-early") return void response.destroy();
    const body = await readRequest(request);
    if (fate === "reset-before") return void response.destroy();
    if (fate === "500" || fate === "503") return fail(response, Number(fate), "InternalFailure");
    if (fate === "throttle") return fail(response, 400, "ProvisionedThroughputExceededException");
    if (fate === "reshard") await stream.reshard(random);
    if (operation === "PutRecords") return this.#put(request, response, body, fate, since);
    await this.#deliver(response, await this.#forward(request, body), fate, since);
  }

  /** Passes on what its shards can take, and puts the answer together from that and what was refused. */
  async #put(
    request: IncomingMessage,
    response: ServerResponse,
    body: string,
    fate: Fate,
    since: number,
  ): Promise<void> {
    const asked = JSON.parse(body) as PutRecordsRequest;
    const refusals = asked.Records.map((entry) => this.#refusal(entry, fate));
    let taken = asked.Records.filter((_, i) => refusals[i] === undefined);
    let isTold = false;
    try {
      let answer: Answer = { status: 200, body: { Records: [] } };
      if (taken.length > 0) {
        answer = await this.#forward(request, JSON.stringify({ ...asked, Records: taken }));
        if (answer.status !== 200) taken = [];
      }
      if (answer.status === 200) answer = { status: 200, body: withRefusals(answer, refusals) };
      isTold = await this.#deliver(response, answer, fate, since);
    } finally {
      if (!isTold) this.untold.push(...taken.map(({ Data }) => Buffer.from(Data, "base64")));
    }
  }

  #refusal(entry: PutRecordsEntry, fate: Fate): string | undefined {
    const { random, stream, limits } = this.#options;
    if (fate === "some" && random() < 0.5) return "InternalFailure";
    const isTaken = limits.takes(stream.owner(entry.ExplicitHashKey), sizeOf(entry), performance.now());
    return isTaken ? undefined : "ProvisionedThroughputExceededException";
  }

  /** @returns whether the client is sure to have the answer */
  async #deliver(
    response: ServerResponse,
    { status, body }: Answer,
    fate: Fate,
    since: number,
  ): Promise<boolean> {
    if (response.destroyed) return false;
    const closed = once(response, "close");
    if (fate === "reset-after") response.destroy();
    else if (fate === "stall-after") response.writeHead(status).flushHeaders();
    else if (fate !== "time-out-after") {
      if (fate === "slow") await sleep(SLOW_MS);
      reply(response, status, body);
    }
    // A client that times out closes the connection; one that was about to may not have read the answer.
    await closed;
    await sleep(SURE_MS);
    const isSlow = performance.now() - since >= this.#options.timeoutMs / 2;
    return response.writableFinished && !(isSlow && response.req.socket.destroyed);
  }

  async #forward({ headers }: IncomingMessage, body: string): Promise<Answer> {
    const names = ["x-amz-target", "authorization", "x-amz-date"];
    const type = { "content-type": "application/x-amz-json-1.1" };
    const answer = await fetch(this.#options.stream.endpoint, {
      method: "POST",
      headers: { ...type, ...Object.fromEntries(names.map((name) => [name, String(headers[name])])) },
      body,
    });
    return { status: answer.status, body: await answer.text() };
  }
}

function withRefusals({ body }: Answer, refusals: readonly (string | undefined)[]): object {
  const { Records: results } = (typeof body === "string" ? JSON.parse(body) : body) as { Records: Result[] };
  const left = results.values();
  return { Records: refusals.map((ErrorCode) => (ErrorCode ? { ErrorCode } : left.next().value)) };
}

function fail(response: ServerResponse, status: number, type: string): void {
  reply(response, status, { __type: type, message: "at random" });
}
