import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { KinesisClient, ListShardsCommand, PutRecordCommand } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startKinesis } from "../../local/kinesis.ts";
import { startPart, type Part } from "../../local/part.ts";
import { startProcess } from "../../local/process.ts";

let root: string;
const running: Part[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-parts-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((part) => part.stop()));
});
afterAll(() => rm(root, { recursive: true }));

async function withClient<T>({ endpoint }: Part, use: (client: KinesisClient) => Promise<T>): Promise<T> {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const requestHandler = new NodeHttpHandler();
  const client = new KinesisClient({ endpoint, region: "us-east-1", credentials, requestHandler });
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

const shardsOf = (part: Part, StreamName: string): Promise<number | undefined> =>
  withClient(
    part,
    async (client) => (await client.send(new ListShardsCommand({ StreamName }))).Shards?.length,
  );

async function listener(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

test("streams have their shards and take records as soon as Kinesis is started", async () => {
  const streams = [
    { name: "logs", shards: 3 },
    { name: "other", shards: 1 },
  ];
  const part = await startKinesis({ streams });
  running.push(part);
  expect([await shardsOf(part, "logs"), await shardsOf(part, "other")]).toEqual([3, 1]);
  const input = { StreamName: "logs", PartitionKey: "k", Data: Buffer.from("x") };
  const put = await withClient(part, (client) => client.send(new PutRecordCommand(input)));
  expect(put.SequenceNumber).toMatch(/^\d+$/);
});

test("only this machine can reach it", async () => {
  const part = await startKinesis({ streams: [] });
  running.push(part);
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === "IPv4" && !address.internal);
  expect(part.endpoint).toBe(`http://127.0.0.1:${part.port}`);
  // On a machine without a network there is nobody to keep out.
  if (outside) await expect(fetch(`http://${outside.address}:${part.port}`)).rejects.toThrow();
});

test("streams outlive a restart in their folder", async () => {
  const dataDir = await mkdtemp(join(root, "kinesis-"));
  const first = await startKinesis({ streams: [{ name: "logs", shards: 3 }], dataDir });
  // It writes them down once a second.
  const written = async (): Promise<unknown> =>
    JSON.parse(await readFile(join(dataDir, "kinesis-data.json"), "utf8")) as unknown;
  await expect.poll(written).toBeTypeOf("object");
  await first.stop();
  // The number of shards is that of the first start: it is the same stream, not a new one.
  const second = await startKinesis({ streams: [{ name: "logs", shards: 1 }], dataDir });
  running.push(second);
  expect(await shardsOf(second, "logs")).toBe(3);
});

test("a port in use is named, with the part that wanted it", async () => {
  const server = await listener();
  const { port } = server.address() as AddressInfo;
  await expect(startKinesis({ streams: [], port })).rejects.toMatchObject({
    name: "PartError",
    code: "PORT_IN_USE",
    part: "Kinesis",
    message: expect.stringContaining(`port ${port} is in use`),
    hint: expect.stringContaining(`lsof -i :${port}`),
  });
  server.close();
});

test("stopping ends the process, and aborting does", async () => {
  const part = await startKinesis({ streams: [] });
  await part.stop();
  expect(() => process.kill(part.pid, 0)).toThrow("ESRCH");

  const abort = new AbortController();
  const other = await startKinesis({ streams: [], signal: abort.signal });
  abort.abort();
  await other.stop();
  expect(() => process.kill(other.pid, 0)).toThrow("ESRCH");
  await expect(startKinesis({ streams: [], signal: abort.signal })).rejects.toThrow(/abort/i);
});

async function script(source: string): Promise<string> {
  const path = join(await mkdtemp(join(root, "script-")), "part.mjs");
  await writeFile(path, source);
  return path;
}

test("a part that ends before it is ready says so in its own last words", async () => {
  const path = await script(`console.error("the disk is full"); process.exit(7);`);
  const begin = () => startProcess({ name: "Thing", script: path, environment: {} });
  await expect(
    startPart("Thing", undefined, begin, () => Promise.reject(new Error("no"))),
  ).rejects.toMatchObject({
    code: "EXITED",
    part: "Thing",
    message: expect.stringMatching(/exit code 7[\s\S]*the disk is full/),
  });
});

test("a free port that is taken before the part has it is replaced by another", async () => {
  const tried: number[] = [];
  const colliding = await script(`console.error("listen EADDRINUSE"); process.exit(1);`);
  const listening = await script(`import http from "node:http";
    http.createServer((_, response) => response.end()).listen(Number(process.argv[2]));`);
  const begin = (port: number) => {
    const name = tried.push(port) === 1 ? colliding : listening;
    return startProcess({ name: "Thing", script: name, args: [`${port}`], environment: {} });
  };
  const part = await startPart("Thing", undefined, begin, (endpoint) => fetch(endpoint));
  running.push(part);
  expect(tried).toHaveLength(2);
  expect(part.port).toBe(tried[1]);
});

test("a part that does not listen to SIGTERM is killed", async () => {
  const up = Promise.withResolvers<void>();
  const path = await script(
    `process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6); console.log("up");`,
  );
  const child = startProcess({ name: "Thing", script: path, environment: {}, onLine: () => up.resolve() });
  await up.promise;
  await child.stop(50);
  expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("Ctrl-C in the terminal reaches us, and our parts only through us", async () => {
  const part = await startKinesis({ streams: [] });
  running.push(part);
  // A terminal signals a process group: the part leads one of its own.
  expect(() => process.kill(-part.pid, 0)).not.toThrow();
});
