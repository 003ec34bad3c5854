import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { runAgent } from "../../agent/process/run-agent.ts";
import { agentConfigSchema, type AgentConfig } from "../../agent/config/config.ts";
import type { ProducerCounts } from "../../agent/kinesis/producer.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { type Event, eventsOf } from "./event.ts";
import { FaultKinesis } from "./fault-kinesis.ts";

// The SDK looks for credentials where a deployed agent has them; the stand-ins take any.
process.env["AWS_ACCESS_KEY_ID"] = "test";
process.env["AWS_SECRET_ACCESS_KEY"] = "test";
// This machine's own instance metadata has no part in any test.
process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ??= "http://127.0.0.1:9";

/** An agent's directory and its stream. */
export class AgentFixture implements AsyncDisposable {
  readonly directory: string;
  readonly kinesis: FaultKinesis;

  static async make(shards?: number): Promise<AgentFixture> {
    return new AgentFixture(await mkdtemp(join(tmpdir(), "weir-agent-")), await FaultKinesis.start(shards));
  }

  private constructor(directory: string, kinesis: FaultKinesis) {
    this.directory = directory;
    this.kinesis = kinesis;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Quick to notice everything, small aggregates, and all of it to be overridden. */
  settings(overrides: object = {}): object {
    return {
      stream: "test",
      region: "us-east-1",
      endpoint: this.kinesis.endpoint,
      state_dir: this.path("state"),
      host: "test-host",
      files: [{ tag: "test", path: this.path("*.log") }],
      tail: { poll_ms: 10, scan_ms: 10 },
      producer: { aggregate_bytes: 1_024, linger_ms: 10 },
      ...overrides,
    };
  }

  config(overrides: object = {}): AgentConfig {
    return agentConfigSchema.parse(this.settings(overrides));
  }

  async drain(overrides: object = {}, log: Logger = pino({ level: "silent" })): Promise<ProducerCounts> {
    const { signal } = new AbortController();
    return runAgent(this.config(overrides), { signal, log, untilDrained: true });
  }

  /** Of every record that Kinesis took, in its order, repetitions included. */
  get events(): Event[] {
    return this.#allEvents().filter(({ tag }) => tag !== HEARTBEAT_TYPE);
  }

  get heartbeats(): Event[] {
    return this.#allEvents().filter(({ tag }) => tag === HEARTBEAT_TYPE);
  }

  #allEvents(): Event[] {
    return this.kinesis.records.flatMap(({ data }) => eventsOf(data));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kinesis[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

export function lines(count: number, text = "line"): string {
  return Array.from({ length: count }, (_, i) => `${text} ${i}\n`).join("");
}
