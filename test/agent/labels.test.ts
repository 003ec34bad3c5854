import { describe, expect, test } from "vitest";
import { readLabels } from "../../agent/process/labels.ts";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { LocalServer } from "./local-server.ts";

const METADATA: Readonly<Record<string, string>> = {
  "/latest/meta-data/instance-id": "i-0123456789abcdef0",
  "/latest/meta-data/placement/availability-zone": "eu-west-1a",
  "/latest/meta-data/tags/instance/cost%20centre": "4711",
  "/latest/meta-data/public-keys": "0=a\u0000",
};

async function read(labels: Record<string, string>, ec2_labels: string[], url?: string) {
  const logged: object[] = [];
  const environment = { AWS_EC2_METADATA_SERVICE_ENDPOINT: url ?? "http://127.0.0.1:9" };
  const log = { warn: (fields: object) => void logged.push(fields) };
  return { labels: await readLabels({ labels, ec2_labels }, environment, log as never), logged };
}

describe("labels", () => {
  test("of instance metadata are called as the last part of their names, and the configuration's come before", async () => {
    await using server = await LocalServer.start((request, response) => {
      const hasToken = request.headers["x-aws-ec2-metadata-token"] === "token";
      const value = request.method === "PUT" ? "token" : hasToken ? METADATA[request.url!] : undefined;
      response.writeHead(value === undefined ? 404 : 200).end(value);
    });
    const names = ["instance-id", "placement/availability-zone", "tags/instance/cost centre"];
    expect(await read({ stage: "prod", instance_id: "own" }, names, server.url)).toEqual({
      labels: { stage: "prod", instance_id: "own", availability_zone: "eu-west-1a", cost_centre: "4711" },
      logged: [],
    });
    expect(await read({}, ["instance-id", "instance-life-cycle", "public-keys"], server.url)).toEqual({
      labels: { instance_id: "i-0123456789abcdef0" },
      logged: [{ missing: ["instance-life-cycle", "public-keys"] }],
    });
  });

  test("that nothing tells hold nothing up: they are left out, and logged", async () => {
    const { labels, logged } = await read({ stage: "prod" }, ["instance-id"]);
    expect({ labels, logged }).toEqual({ labels: { stage: "prod" }, logged: [{ missing: ["instance-id"] }] });
  });

  test.each([
    [{ labels: { "a.b": "x" } }, "a letter or _"],
    [{ labels: { a: "x\n" } }, "control characters"],
    [{ labels: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`l${n}`, ""])) }, "at most 32"],
    [{ ec2_labels: ["../user-data"] }, "a name of instance metadata"],
    [{ ec2_labels: ["/instance-id"] }, "a name of instance metadata"],
  ])("%j is refused", (settings, reason) => {
    const config = { stream: "logs", files: [{ tag: "a", path: "/var/log/a" }], ...settings };
    expect(JSON.stringify(agentConfigSchema.safeParse(config).error?.issues)).toContain(reason);
  });
});
