import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ListShardsCommand } from "@aws-sdk/client-kinesis";
import { expect, test } from "vitest";
import { awsSchema } from "../../agent/config/aws-config.ts";
import { kinesisClient } from "../../agent/kinesis/kinesis-client.ts";
import { producerConfigSchema } from "../../agent/config/producer-config.ts";
import { LocalServer } from "./local-server.ts";

const region = "us-gov-west-1";

process.env["AWS_ACCESS_KEY_ID"] = "test";
process.env["AWS_SECRET_ACCESS_KEY"] = "test";

/** Where a client would send its requests. */
async function endpointOf(aws: object): Promise<string> {
  const client = kinesisClient({ region, endpoint: undefined, aws: awsSchema.parse(aws) });
  let hostname = "";
  client.middlewareStack.add(
    () =>
      async ({ request }) => {
        hostname = (request as { hostname: string }).hostname;
        throw new Error("not sent");
      },
    { step: "finalizeRequest", priority: "low" },
  );
  await expect(client.send(new ListShardsCommand({ StreamName: "test" }))).rejects.toThrow("not sent");
  return hostname;
}

test("FIPS and dual-stack endpoints are asked for by their settings", async () => {
  const plain = await endpointOf({ use_fips: false, use_dual_stack: false });
  const fips = await endpointOf({ use_fips: true, use_dual_stack: false });
  const dualStack = await endpointOf({ use_fips: false, use_dual_stack: true });
  const both = await endpointOf({ use_fips: true, use_dual_stack: true });
  expect([plain, fips]).toEqual([
    "kinesis.us-gov-west-1.amazonaws.com",
    "kinesis.us-gov-west-1.amazonaws.com",
  ]);
  expect([dualStack, both]).toEqual(["kinesis.us-gov-west-1.api.aws", "kinesis-fips.us-gov-west-1.api.aws"]);
});

test("credentials come from the profile that is named", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weir-profile-"));
  // Keys in the environment make the SDK warn.
  const { AWS_CONFIG_FILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
  const before = { AWS_CONFIG_FILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  try {
    for (const name of Object.keys(before)) delete process.env[name];
    process.env["AWS_CONFIG_FILE"] = join(directory, "config");
    const profile = "[profile logs]\naws_access_key_id = of-the-profile\naws_secret_access_key = secret\n";
    await writeFile(join(directory, "config"), profile);
    const aws = awsSchema.parse({ profile: "logs" });
    const client = kinesisClient({ region, endpoint: undefined, aws });
    expect((await client.config.credentials()).accessKeyId).toBe("of-the-profile");
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(directory, { recursive: true });
  }
});

const ANSWER = '{"Shards":[]}';

/** A client that waits a second, and a server that answers with so many bytes, ten a second. */
async function startSlow(bytes: number) {
  const sockets = new Set<unknown>();
  const answer = async ({ socket }: IncomingMessage, response: ServerResponse): Promise<void> => {
    sockets.add(socket);
    response.writeHead(200).flushHeaders();
    for (const byte of ANSWER.slice(0, bytes)) {
      await sleep(100);
      response.write(byte);
    }
    if (bytes === ANSWER.length) response.end();
  };
  const server = await LocalServer.start((request, response) => void answer(request, response));
  const producer = producerConfigSchema.parse({ request_timeout_ms: 1_000 });
  return { server, sockets, client: kinesisClient({ region, endpoint: server.url, producer }) };
}

const list = new ListShardsCommand({ StreamName: "test" });

test("an answer that stops after its headers is given up", async () => {
  const { server, client } = await startSlow(3);
  await using _server = server;
  await expect(client.send(list)).rejects.toThrow(/timed out/);
});

test("an answer that comes slowly is waited for, and a connection may be idle for longer", async () => {
  const { server, sockets, client } = await startSlow(ANSWER.length);
  await using _server = server;
  expect(await client.send(list)).toMatchObject({ Shards: [] });
  await sleep(1_200);
  expect(await client.send(list)).toMatchObject({ Shards: [] });
  expect(sockets.size).toBe(1);
});
