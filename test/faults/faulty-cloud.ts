import { EventEmitter, once } from "node:events";
import { mkdir, mkdtemp, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentStatus } from "../../agent/monitor/agent-status.ts";
import { ShardLimits } from "../../bench/shard-limits.ts";
import type { TickReport } from "../../lambdas/loader/tick-report.ts";
import { type Cloud, removeCloud, type Role, startCloud } from "../../local/cloud.ts";
import { drain } from "../../local/drain.ts";
import { LocalAgent } from "../../local/agent/local-agent.ts";
import type { MappingEvent } from "../../local/mapping/mapping-event.ts";
import { freePort } from "../../local/part.ts";
import { reconcile } from "../../local/reconcile/reconcile.ts";
import type { Report } from "../../local/reconcile/report.ts";
import type { Truth } from "../../local/reconcile/truth.ts";
import { redshiftTables } from "../../local/redshift-tables.ts";
import { SAMPLE_TYPES } from "../../local/traffic/traffic.ts";
import { type Fate, FaultProxy } from "../agent/fault-proxy.ts";
import { LocalStream } from "../agent/local-stream.ts";
import type { SampleStack } from "../end-to-end/pipeline.ts";
import { FaultyService, kill } from "./faulty-service.ts";
import { type Ended, weir } from "./weir.ts";
import { EVENT_MS, PIPELINE_MS } from "../time-limits.ts";

const LOOK_AGAIN_MS = 50;
const LAST_WORDS = 60;

interface Events {
  mapping: [MappingEvent];
  tick: [TickReport];
}

/** A laptop cloud and an agent that sends it the logs of the sample types, and what may stand in the way of any of it. */
export class FaultyCloud implements AsyncDisposable {
  readonly dir: string;
  /** Where the logs are written. */
  readonly logs: string;
  readonly events = new EventEmitter<Events>();
  /** Of what is waited for. */
  #signal = AbortSignal.timeout(PIPELINE_MS);
  /** S3, as each function reaches it, and the Data API as the loader does. */
  readonly s3 = {} as Record<"router" | "sequencer" | "loader", FaultyService>;
  warehouseApi!: FaultyService;
  cloud!: Cloud;
  agent!: LocalAgent;
  stream!: LocalStream;
  /** Of the agent's next request to Kinesis. */
  putFate: (operation: string) => Fate = () => "pass";
  /** Awaited when a load has run and is not committed. */
  beforeCommit: (() => Promise<void>) | undefined;
  readonly #stack: SampleStack;
  readonly #printed: string[] = [];
  readonly #parts = new AsyncDisposableStack();
  #monitorPort = 0;

  private constructor(stack: SampleStack, dir: string) {
    this.#stack = stack;
    this.dir = dir;
    this.logs = join(dir, "logs");
  }

  /** @param random decides what the agent's requests meet where a shard is full, or split */
  static async start(stack: SampleStack, random: () => number): Promise<FaultyCloud> {
    const faulty = new FaultyCloud(stack, await mkdtemp(join(tmpdir(), "weir-faults-")));
    try {
      await faulty.#start(random);
      return faulty;
    } catch (error) {
      await faulty[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(random: () => number): Promise<void> {
    const { dir } = this;
    const parts = this.#parts;
    parts.defer(() => removeCloud(dir));
    await mkdir(this.logs);
    for (const role of ["router", "sequencer", "loader"] as const) {
      this.s3[role] = parts.use(await FaultyService.start(() => this.cloud.s3Endpoint));
    }
    this.warehouseApi = parts.use(await FaultyService.start(() => this.cloud.warehouse!.endpoint));
    const { deployment } = this.#stack;
    this.cloud = await startCloud({
      // What fails is given up soon.
      deployment: { ...deployment, mapping: { ...deployment.mapping, retryAttempts: 1 } },
      dir,
      log: (part, line) => this.#print(part, line),
      sequencerEveryMs: 300,
      loaderEveryMs: 500,
      batchingWindowSeconds: 0,
      environment: (role) => this.#endpoints(role),
      onMappingEvent: (event) => void this.events.emit("mapping", event),
      onLoaderTick: (report) => void this.events.emit("tick", report),
      beforeCommit: async ({ options }) => (options.name === undefined ? undefined : this.beforeCommit?.()),
    });
    parts.defer(() => this.cloud.stop());
    const { kinesisEndpoint, environment } = this.cloud;
    this.stream = parts.use(await LocalStream.open(kinesisEndpoint, deployment.stream.name));
    const limits = new ShardLimits();
    const fate = (operation: string): Fate => this.putFate(operation);
    const kinesis = parts.use(await FaultProxy.start({ stream: this.stream, limits, random, fate }));
    this.#monitorPort = await freePort();
    const agent = await LocalAgent.create({
      dir,
      stream: deployment.stream.name,
      endpoint: kinesis.endpoint,
      environment,
      files: Object.fromEntries(SAMPLE_TYPES.map(({ type }) => [type, [join(this.logs, `${type}.log*`)]])),
      monitorPort: this.#monitorPort,
      log: (line) => this.#print("agent", line),
      onEvent: (event) => this.#print("agent", event),
    });
    this.agent = parts.use(agent);
  }

  /** Only once everything runs do functions run, so each is there by then. */
  #endpoints(role: Role): Readonly<Record<string, string>> {
    if (role === "loader") {
      return {
        AWS_ENDPOINT_URL_S3: this.s3.loader.endpoint,
        AWS_ENDPOINT_URL_REDSHIFT_DATA: this.warehouseApi.endpoint,
      };
    }
    return role in this.s3 ? { AWS_ENDPOINT_URL_S3: this.s3[role as "router"].endpoint } : {};
  }

  /** Starts the agent, and gives whatever is waited for its time anew: a cloud lives for several tests. */
  async beginTest(): Promise<void> {
    this.#signal = AbortSignal.timeout(PIPELINE_MS);
    // One that a test has left which failed.
    await this.agent.stop();
    this.agent.start();
  }

  /** Processes of a function that run now. */
  pids(role: "router" | "sequencer" | "loader"): readonly number[] {
    return this.cloud[role]!.pids;
  }

  /** Sends the agent SIGKILL, if it runs. */
  killAgent(): void {
    if (this.agent.pid !== undefined) kill(this.agent.pid);
  }

  /** @returns once the mapping has told of it */
  async mappingEvent(kind: MappingEvent["kind"]): Promise<void> {
    for (;;) {
      const [event] = await once(this.events, "mapping", { signal: this.#signal });
      if ((event as MappingEvent).kind === kind) return;
    }
  }

  /** @returns once a tick of the loader has reported so */
  async tick(isIt: (report: TickReport) => boolean): Promise<void> {
    for (;;) {
      const [report] = await once(this.events, "tick", { signal: this.#signal });
      if (isIt(report as TickReport)) return;
    }
  }

  /** @returns once the agent has read the file to its present end */
  async readToEnd(path: string): Promise<void> {
    for (;;) {
      const { size } = await stat(path);
      const file = (await this.#agentStatus())?.files[path];
      if (file !== undefined && file.size === size && file.position === size) return;
      await sleep(LOOK_AGAIN_MS, undefined, { signal: this.#signal });
    }
  }

  async #agentStatus(): Promise<AgentStatus | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#monitorPort}/`);
      return (await response.json()) as AgentStatus;
    } catch {
      return undefined; // it starts, or starts again
    }
  }

  /** Stops the agent, has something done with the folder of its state, and starts it again. */
  async withStoppedAgent(work: (stateDir: string) => Promise<void>): Promise<void> {
    await this.agent.stop();
    await work(join(this.dir, "agent"));
    this.agent.start();
  }

  /** Runs a command of `weir` on this cloud, as a user does. */
  weir(...args: readonly string[]): Promise<Ended> {
    return weir([...args, "--local", this.dir]);
  }

  /** Has every load tried at once that waits for its next attempt. */
  async retryLoads(): Promise<void> {
    const { loader } = this.cloud.schedules;
    for (const { destinations, name } of this.#stack.config.types) {
      for (const target of destinations) {
        if (target.to !== "redshift") continue;
        const table = `${target.schema}.${target.table ?? name}`;
        await loader!.invoke(JSON.stringify({ command: "retry", table }));
      }
    }
  }

  /** Lets everything run through that is in the stream. @returns what is left behind, in words */
  async drain(): Promise<readonly string[]> {
    for (const deadline = Date.now() + EVENT_MS; ;) {
      await this.retryLoads();
      const left = await drain(this.cloud, this.#signal);
      // A load that failed just now rests until somebody has it tried again, or until its objects are searched.
      if (left.length === 0 || Date.now() > deadline) return left;
      await sleep(LOOK_AGAIN_MS, undefined, { signal: this.#signal });
    }
  }

  async reconcile(truth: Truth): Promise<Report> {
    const { s3, warehouse, deployment } = this.cloud;
    return reconcile({
      s3,
      bucket: deployment.lakeBucket,
      types: this.#stack.config.types,
      truth,
      warehouse: redshiftTables(warehouse!),
      loads: 0,
      seconds: 0,
      signal: this.#signal,
    });
  }

  /** What the parts said last, for whoever has to find out what went wrong. */
  get lastWords(): string {
    return this.#printed.slice(-LAST_WORDS).join("\n");
  }

  #print(part: string, line: string): void {
    if (line.includes('"_aws"')) return;
    this.#printed.push(`${part} ${line}`);
    if (this.#printed.length > 2 * LAST_WORDS) this.#printed.splice(0, LAST_WORDS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
