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
}

/** Stands before a Kinesis that never fails, keeps to the limits of its shards, and fails. */
export class FaultProxy implements AsyncDisposable {
  /** Data of records that were taken and that the client was not told of: these come again. */
  readonly untold: Buffer[] = [];
  /** Data of the records that the last answer on a connection tells of, by connection. */
  readonly #toldLast = new Map<object, readonly Buffer[]>();
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

  /** Data of records that may come again, too: who asks again on a connection has read what was said on it before. */
  get doubtful(): readonly Buffer[] {
    return [...this.#toldLast.values()].flat();
  }

  get endpoint(): string {
    return this.#server!.endpoint;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { random, fate: chooseFate, stream } = this.#options;
    this.#toldLast.delete(request.socket);
    const operation = operationOf(request);
    const fate = chooseFate?.(operation) ?? FATES[Math.floor(random() * FATES.length)]!;
    if (fate === "reset-early") return void response.destroy();
    const body = await readRequest(request);
    if (fate === "reset-before") return void response.destroy();
    if (fate === "500" || fate === "503") return fail(response, Number(fate), "InternalFailure");
    if (fate === "throttle") return fail(response, 400, "ProvisionedThroughputExceededException");
    if (fate === "reshard") await stream.reshard(random);
    if (operation === "PutRecords") return this.#put(request, response, body, fate);
    await this.#deliver(response, await this.#forward(request, body), fate);
  }

  /** Passes on what its shards can take, and puts the answer together from that and what was refused. */
  async #put(request: IncomingMessage, response: ServerResponse, body: string, fate: Fate): Promise<void> {
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
      isTold = await this.#deliver(response, answer, fate);
    } finally {
      const data = taken.map(({ Data }) => Buffer.from(Data, "base64"));
      if (isTold) this.#toldLast.set(request.socket, data);
      else this.untold.push(...data);
    }
  }

  #refusal(entry: PutRecordsEntry, fate: Fate): string | undefined {
    const { random, stream, limits } = this.#options;
    if (fate === "some" && random() < 0.5) return "InternalFailure";
    const isTaken = limits.takes(stream.owner(entry.ExplicitHashKey), sizeOf(entry), performance.now());
    return isTaken ? undefined : "ProvisionedThroughputExceededException";
  }

  /** @returns whether it is on its way to the client, who may have given it up */
  async #deliver(response: ServerResponse, { status, body }: Answer, fate: Fate): Promise<boolean> {
    if (fate === "slow") await sleep(SLOW_MS);
    if (response.destroyed) return false;
    if (fate === "reset-after") response.destroy();
    if (fate === "stall-after") response.writeHead(status).flushHeaders();
    if (fate === "reset-after" || fate === "stall-after" || fate === "time-out-after") return false;
    reply(response, status, body);
    return true;
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
