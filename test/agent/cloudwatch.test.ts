import { once } from "node:events";
import { appendFile, writeFile } from "node:fs/promises";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { expect, test } from "vitest";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { RunningAgent } from "./running-agent.ts";

interface Put {
  readonly headers: IncomingHttpHeaders;
  readonly namespace: string;
  /** Value and unit by name. */
  readonly metrics: Readonly<Record<string, readonly [value: number, unit: string]>>;
  readonly dimensions: Readonly<Record<string, string>>;
}

interface Datum {
  readonly MetricName: string;
  readonly Value: number;
  readonly Unit: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
}

/** Takes PutMetricData as the SDK sends it. */
class FakeCloudWatch implements AsyncDisposable {
  readonly puts: Put[] = [];
  mode: "take" | "fail" | "hang" = "take";
  asked = 0;
  readonly #server: Server;

  static async start(): Promise<FakeCloudWatch> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FakeCloudWatch(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => void this.#take(request, response));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked++;
    const body = JSON.parse(await text(request)) as { Namespace: string; MetricData: Datum[] };
    if (this.mode === "hang") return;
    const { MetricData: data, Namespace: namespace } = body;
    const metrics = Object.fromEntries(
      data.map(({ MetricName, Value, Unit }) => [MetricName, [Value, Unit] as const]),
    );
    const dimensions = Object.fromEntries(data[0]!.Dimensions.map(({ Name, Value }) => [Name, Value]));
    if (this.mode === "take") this.puts.push({ headers: request.headers, namespace, metrics, dimensions });
    response.writeHead(this.mode === "take" ? 200 : 500, { "content-type": "application/x-amz-json-1.0" });
    response.end("{}");
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Of all that was taken. */
  sum(name: string): number {
    return this.puts.reduce((sum, { metrics }) => sum + (metrics[name]?.[0] ?? 0), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

test("CloudWatch is told that the agent is there, how far behind, and what it delivered since", async () => {
  await using agent = await AgentFixture.make();
  await using watch = await FakeCloudWatch.start();
  const cloudwatch = { endpoint: watch.endpoint, interval_ms: 100 };
  const { length } = lines(100);
  await writeFile(agent.path("a.log"), lines(100));
  await using running = new RunningAgent(agent, { cloudwatch });
  await running.until(() => watch.sum("DeliveredBytes") >= length && watch.puts.length > 2);
  const { headers, namespace, metrics, dimensions } = watch.puts.at(-1)!;
  expect(headers["x-amz-target"]).toMatch(/\.PutMetricData$/);
  expect(headers.authorization).toContain("/us-east-1/monitoring/aws4_request");
  expect(namespace).toBe("Weir/Agents");
  expect(dimensions).toEqual({ host: "test-host", stream: "test" });
  expect(metrics).toMatchObject({
    Heartbeat: [1, "Count"],
    Progressing: [1, "Count"],
    LagBytes: [0, "Bytes"],
    LagSeconds: [0, "Seconds"],
    Throttles: [0, "Count"],
    Errors: [0, "Count"],
    AbandonedBytes: [0, "Bytes"],
  });
  expect(metrics).not.toHaveProperty("SpoolBytes");
});

test("what Kinesis refuses is counted once, and dimensions are as configured", async () => {
  await using agent = await AgentFixture.make();
  await using watch = await FakeCloudWatch.start();
  agent.kinesis.fault = (n) => (n === 0 ? "throttle-some" : n === 1 ? "server-error" : "none");
  await writeFile(agent.path("a.log"), lines(200));
  const cloudwatch = {
    endpoint: watch.endpoint,
    interval_ms: 100,
    dimensions: ["stream"],
    namespace: "Other",
  };
  await using running = new RunningAgent(agent, { cloudwatch, forward: { port: 0 } });
  await running.until(() => agent.events.length === 200);
  const { length } = watch.puts;
  await running.until(() => watch.puts.length > length + 2);
  expect(watch.sum("Errors")).toBe(1);
  expect(watch.sum("Throttles")).toBeGreaterThan(0);
  expect(watch.puts[0]).toMatchObject({ namespace: "Other", dimensions: { stream: "test" } });
  expect(watch.puts[0]!.metrics).toHaveProperty("SpoolBytes");
});

test.each(["fail", "hang"] as const)(
  "a CloudWatch that does %s holds up neither delivery nor the end, and is told of once",
  async (mode) => {
    await using agent = await AgentFixture.make();
    await using watch = await FakeCloudWatch.start();
    watch.mode = mode;
    const said: string[] = [];
    const log = pino({ level: "info" }, { write: (line: string) => void said.push(line) });
    await writeFile(agent.path("a.log"), lines(50));
    await using running = new RunningAgent(
      agent,
      { cloudwatch: { endpoint: watch.endpoint, interval_ms: 100 } },
      log,
    );
    await running.until(() => watch.asked >= (mode === "hang" ? 1 : 3));
    await appendFile(agent.path("a.log"), lines(50));
    await running.until(() => agent.events.length === 100);
    if (mode === "fail") {
      watch.mode = "take";
      await running.until(() => watch.sum("DeliveredBytes") === 2 * lines(50).length);
      await running.until(() => said.some((line) => line.includes("takes metrics again")));
      expect(said.filter((line) => line.includes("does not take metrics"))).toHaveLength(1);
    }
    await running.stop();
    expect(agent.events).toHaveLength(100);
  },
);
