import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { assertInputs, readAgentFile } from "../../local/agent/agent-file.ts";
import { assertEnds } from "../../local/run/input.ts";
import { senderSettings } from "../../local/agent/sender-settings.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "weir-agent-file-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function written(settings: object): string {
  const file = join(dir, "agent.toml");
  writeFileSync(file, stringify({ stream: "logs", ...settings }));
  return file;
}

async function accept(settings: object, once = false): Promise<void> {
  const file = await readAgentFile(written(settings));
  if (once) assertEnds(file);
  await assertInputs(file, join(dir, "state"));
}

describe("an agent's configuration is refused before anything is started", () => {
  test.each<[string, object, RegExp]>([
    ["whose key is nowhere", { forward: { port: 0, shared_key_file: "/no/key" } }, /forward: .*\/no\/key/],
    ["with a socket in no directory", { line_sockets: [{ tag: "a", path: "/no/dir/s" }] }, /\/no\/dir/],
    ["with a setting that there is not", { files: [{ tag: "a", paths: "/a" }] }, /line \d+: .*paths/],
    ["that has no value for a variable", { files: [{ tag: "a", path: "/${NOWHERE}" }] }, /NOWHERE/],
  ])("%s", async (_claim, settings, message) => {
    await expect(accept(settings)).rejects.toThrow(message);
  });

  test("whose port is taken, and what to do about it", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await expect(accept({ forward: { port } })).rejects.toThrow(
      new RegExp(`forward: .*EADDRINUSE.*\nStop what listens there \\(lsof -i :${port}\\)`),
    );
  });

  test("that has no file", async () => {
    await expect(readAgentFile(join(dir, "none.toml"))).rejects.toThrow(/--agent: .*none\.toml/);
  });

  test("that takes only what is pushed, where the run is to end by itself", async () => {
    await expect(accept({ forward: { port: 0 } }, true)).rejects.toThrow(/nothing that ends/);
    await accept({ forward: { port: 0 }, stdin: { tag: "in" } }, true);
  });
});

test("what leads out of this machine is not taken over, and only variables that are named are", async () => {
  const file = written({
    region: "eu-west-1",
    endpoint: "https://kinesis.example.com",
    aws: { profile: "production" },
    cloudwatch: {},
    ec2_labels: ["instance-id"],
    state_dir: "/var/lib/weir",
    monitor: { port: 24_223 },
    labels: { home: "${HOME}" },
    spool: { overflow: "drop-oldest" },
    forward: { port: 0 },
  });
  const { settings, config, variables } = await readAgentFile(file);
  expect(config.forward!.port).toBeGreaterThan(0);
  expect(settings).toEqual({
    labels: { home: "${HOME}" },
    spool: { overflow: "drop-oldest" },
    forward: { port: config.forward!.port },
  });
  expect(variables).toEqual({ HOME: process.env["HOME"] });
});

describe("settings for senders", () => {
  const settingsFor = async (forward: object) => senderSettings(await readAgentFile(written({ forward })));

  test("name the file of a key, and never a key or a password", async () => {
    const users = [{ username: "web", password: "pass word" }];
    const inFile = await settingsFor({ port: 24_224, shared_key: "secret words", users });
    expect(inFile).not.toMatch(/secret words|pass word/);
    expect(inFile).toContain(`shared_key "#{ENV['WEIR_SHARED_KEY']}"`);
    expect(inFile).toContain("username web");
    const named = await settingsFor({ port: 24_224, shared_key_file: "/etc/weir/forward.key" });
    expect(named).toContain(`shared_key "#{File.read('/etc/weir/forward.key').strip}"`);
    expect(named).toContain('export WEIR_SHARED_KEY="$(cat /etc/weir/forward.key)"');
  });

  test("say that Docker cannot prove a key, and send it to a Unix socket where there is one", async () => {
    expect(await settingsFor({ port: 24_224 })).toContain("--log-opt fluentd-address=127.0.0.1:24224");
    expect(await settingsFor({ port: 24_224, shared_key: "k" })).toContain("neither prove a shared key");
    const both = await settingsFor({ port: 24_224, shared_key: "k", unix_path: "/run/f.sock" });
    expect(both).toContain("--log-opt fluentd-address=unix:///run/f.sock");
  });

  test("ask for TLS where the port does", async () => {
    const tls = { cert_file: "/etc/cert.pem", key_file: "/etc/key.pem", client_ca_file: "/etc/ca.pem" };
    const shown = await settingsFor({ bind: "0.0.0.0", port: 24_224, tls });
    for (const line of ["transport tls", "tls_cert_path /etc/cert.pem", "tls: on", "host 127.0.0.1"])
      expect(shown).toContain(line);
    expect(shown).not.toContain("key.pem");
  });
});
