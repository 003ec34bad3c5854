import { appendFile, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, reassemble } from "./event.ts";
import { FakeSts } from "./fake-sts.ts";
import { LocalServer } from "./local-server.ts";

const ROLE = "arn:aws:iam::123456789012:role/logs";
const NO_KEYS = {
  AWS_ACCESS_KEY_ID: "",
  AWS_SECRET_ACCESS_KEY: "",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
};

const textOf = (agent: AgentFixture) => Array.from(bySource(agent.events).values(), reassemble).join("");

/** An agent that is to deliver 100 lines and end. */
async function delivers(
  agent: AgentFixture,
  aws: object,
  environment: Record<string, string>,
): Promise<void> {
  await writeFile(agent.path("a.log"), lines(100));
  await using child = await AgentChild.start(agent, ["run", "--until-drained"], { aws }, environment);
  const { code, stderr } = await child.ended;
  expect(code, stderr).toBe(0);
  expect(textOf(agent)).toBe(lines(100));
}

test("a role is assumed with its external id, and what is sent is signed in it", async () => {
  await using agent = await AgentFixture.make();
  await using sts = await FakeSts.start();
  const aws = { role_arn: ROLE, external_id: "weir:1", role_session_name: "web-7", role_duration_s: 900 };
  await delivers(agent, aws, { AWS_ENDPOINT_URL_STS: sts.url });
  expect(sts.asked).toMatchObject([
    {
      Action: "AssumeRole",
      RoleArn: ROLE,
      ExternalId: "weir:1",
      RoleSessionName: "web-7",
      DurationSeconds: "900",
      signer: "test",
    },
  ]);
  expect([...agent.kinesis.signers]).toEqual(["ASIA1"]);
});

test("a profile's role is assumed with the external id that it names", async () => {
  await using agent = await AgentFixture.make();
  await using sts = await FakeSts.start();
  const profile = `[profile logs]\nrole_arn = ${ROLE}\nexternal_id = weir:2\ncredential_source = Environment\n`;
  await writeFile(agent.path("aws"), profile);
  const environment = { AWS_CONFIG_FILE: agent.path("aws"), AWS_ENDPOINT_URL_STS: sts.url };
  await delivers(agent, { profile: "logs" }, environment);
  expect(sts.asked).toMatchObject([{ RoleArn: ROLE, ExternalId: "weir:2", signer: "test" }]);
  expect([...agent.kinesis.signers]).toEqual(["ASIA1"]);
});

test("a web identity token is changed for a role", async () => {
  await using agent = await AgentFixture.make();
  await using sts = await FakeSts.start();
  await writeFile(agent.path("token"), "of-the-cluster");
  await delivers(
    agent,
    {},
    {
      ...NO_KEYS,
      AWS_WEB_IDENTITY_TOKEN_FILE: agent.path("token"),
      AWS_ROLE_ARN: ROLE,
      AWS_ENDPOINT_URL_STS: sts.url,
    },
  );
  expect(sts.asked).toMatchObject([
    { Action: "AssumeRoleWithWebIdentity", WebIdentityToken: "of-the-cluster", signer: "" },
  ]);
});

test("credentials are replaced before they end, and serve to their end while STS is down", async () => {
  await using agent = await AgentFixture.make();
  await using sts = await FakeSts.start();
  // The first are to be replaced at once, as they end within 5 minutes. STS fails more often than is tried
  // at a time.
  sts.validMs = (n) => (n === 1 ? 299_000 : n < 5 ? undefined : 3_600_000);
  await using child = await AgentChild.start(
    agent,
    ["run"],
    { aws: { role_arn: ROLE } },
    { AWS_ENDPOINT_URL_STS: sts.url },
  );
  let text = "";
  await child.until(async () => {
    await appendFile(agent.path("a.log"), lines(1));
    text += lines(1);
    return agent.kinesis.signers.has("ASIA5");
  });
  await child.until(() => textOf(agent) === text);
  expect(await child.kill("SIGTERM")).toMatchObject({ code: 0 });
  expect([...agent.kinesis.signers]).toEqual(["ASIA1", "ASIA5"]);
  expect(child.stderr).not.toMatch(/failed|trying again/);
});

test("credentials that AWS refuses are looked for anew, and nothing is lost meanwhile", async () => {
  await using agent = await AgentFixture.make();
  const keys = (id: string) =>
    writeFile(agent.path("keys"), `[default]\naws_access_key_id = ${id}\naws_secret_access_key = secret\n`);
  await keys("AKIA1");
  const environment = { ...NO_KEYS, AWS_SHARED_CREDENTIALS_FILE: agent.path("keys") };
  await using child = await AgentChild.start(agent, ["run"], {}, environment);
  await writeFile(agent.path("a.log"), lines(10));
  await child.until(() => agent.events.length === 10);
  agent.kinesis.expired.add("AKIA1");
  await appendFile(agent.path("a.log"), lines(10));
  await child.until(() => child.stderr.includes("the security token is expired"));
  await keys("AKIA2");
  await child.until(() => textOf(agent) === lines(10).repeat(2));
  expect([...agent.kinesis.signers]).toEqual(["AKIA1", "AKIA2"]);
});

const ROLE_KEYS = JSON.stringify({
  Code: "Success",
  AccessKeyId: "ASIA-of-the-host",
  SecretAccessKey: "secret",
  Token: "token",
  RoleArn: ROLE,
  Expiration: new Date(Date.now() + 3_600_000).toISOString(),
});

/** Instance metadata, version 2 or only version 1. */
function instanceMetadata(hasTokens: boolean, asked: string[]): RequestListener {
  return ({ method, url = "", headers }, response) => {
    asked.push(`${method} ${url} ${String(headers["x-aws-ec2-metadata-token"] ?? "without token")}`);
    const token = "/latest/api/token";
    if (method === "PUT" && url === token && hasTokens) response.end("of-this-hop");
    else if (hasTokens && headers["x-aws-ec2-metadata-token"] !== "of-this-hop")
      response.writeHead(401).end();
    else if (url === token) response.writeHead(404).end();
    else response.end(url.endsWith("/security-credentials/") ? "logs" : ROLE_KEYS);
  };
}

test("an instance's role is asked for with a token", async () => {
  await using agent = await AgentFixture.make();
  const asked: string[] = [];
  await using imds = await LocalServer.start(instanceMetadata(true, asked));
  await delivers(agent, {}, { ...NO_KEYS, AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url });
  expect([...agent.kinesis.signers]).toEqual(["ASIA-of-the-host"]);
  expect(asked[0]).toBe("PUT /latest/api/token without token");
  // Whoever asks for the instance, too, has a token of its own.
  const others = asked.filter((request) => request !== asked[0]);
  expect(others.length).toBeGreaterThan(0);
  expect(others.every((request) => request.endsWith("of-this-hop"))).toBe(true);
});

test("instance metadata that gives out keys without a token is not asked for any", async () => {
  await using agent = await AgentFixture.make();
  const asked: string[] = [];
  await using imds = await LocalServer.start(instanceMetadata(false, asked));
  const environment = { ...NO_KEYS, AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url };
  await using child = await AgentChild.start(agent, ["check"], {}, environment);
  const { code, stderr } = await child.ended;
  expect([code, stderr]).toEqual([1, expect.stringMatching(/Could not load credentials/)]);
  expect(new Set(asked)).toEqual(new Set(["PUT /latest/api/token without token"]));
});

test("a container's role is asked for with the container's token", async () => {
  await using agent = await AgentFixture.make();
  const asked: string[] = [];
  await using server = await LocalServer.start(({ url, headers }, response) => {
    asked.push(`${url} ${headers.authorization}`);
    response.end(ROLE_KEYS);
  });
  const environment = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/role`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: "of-the-task",
  };
  await delivers(agent, {}, { ...NO_KEYS, ...environment });
  expect([...agent.kinesis.signers]).toEqual(["ASIA-of-the-host"]);
  expect(new Set(asked)).toEqual(new Set(["/role of-the-task"]));
});
