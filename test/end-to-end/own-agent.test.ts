import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FluentClient } from "@fluent-org/logger";
import { stringify } from "smol-toml";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../local/part.ts";
import { reportSchema } from "../../local/reconcile/report.ts";
import { EVENT_MS } from "../time-limits.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KEY = "a key that nobody is to see";

let dir: string;
let configFile: string;
const at = (name: string): string => join(dir, name);

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "weir-own-"));
  configFile = at("weir.config.json");
  const to = [{ to: "s3" }, { to: "redshift" }];
  const raw = {
    parse: { format: "raw" },
    columns: [{ name: "line", type: "varchar(999)" }],
    destinations: to,
  };
  const columns = [{ name: "message", type: "varchar(99)" }];
  const types = [
    { name: "app", match: { tags: ["app.*"] }, parse: { format: "json" }, columns, destinations: to },
    { name: "java", ...raw },
    { name: "plain", ...raw },
  ];
  writeFileSync(configFile, JSON.stringify({ warehouse: { kind: "new-serverless" }, types }));
});
afterAll(() => rmSync(dir, { recursive: true }));

function agentFile(settings: object): string {
  const file = at("agent.toml");
  writeFileSync(file, stringify(settings));
  return file;
}

/** A run of the command, and what it has said. */
class Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said = "";
  #heard = Promise.withResolvers<void>();

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, ["bin/weir.ts", "local", "--config", configFile, ...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    onTestFinished(() => void this.child.kill("SIGKILL"));
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    this.ended = once(this.child, "close").then(([code]) => {
      this.#heard.resolve();
      return code as number | null;
    });
  }

  #hear(text: string): void {
    this.said += text;
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }

  /** @throws when it ends without having said so */
  async says(words: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = words.exec(this.said);
      if (found) return found;
      if (this.child.exitCode !== null) throw new Error(`never said ${words.source}:\n${this.said}`);
      await this.#heard.promise;
    }
  }
}

const plainLines = "one\ntwo\n";
const javaLines = "ERROR a\n  at b\n  at c\nERROR d\n  at e\n";

function reported() {
  return reportSchema.parse(JSON.parse(readFileSync(at("report.json"), "utf8")));
}

// Both go on in one folder: what the first one has sent, the second one must not send again.
describe("in one folder", () => {
  const args = () => ["--dir", at("run"), "--report", at("report.json")];

  test("files whose events have several lines are held against the events that they hold", async () => {
    writeFileSync(at("plain.log"), plainLines);
    writeFileSync(at("java.log"), javaLines);
    const logs = [
      "--logs",
      `java=${at("java.log")}`,
      "--start",
      "java=^ERROR",
      "--logs",
      `plain=${at("plain.log")}`,
    ];
    const run = new Run(["--once", ...args(), ...logs]);
    expect(await run.ended).toBe(0);
    expect(reported()).toMatchObject({
      balanced: true,
      types: {
        java: { lines: 2, rows: 2, bytes: javaLines.length },
        plain: { lines: 2, rows: 2, bytes: plainLines.length },
      },
    });
  });

  test("an agent's own configuration goes on: files, events of several lines, sockets and forward, until Ctrl-C", async () => {
    appendFileSync(at("java.log"), "ERROR f\n  at g\n");
    const port = await freePort();
    const agent = agentFile({
      stream: "logs",
      region: "eu-west-1",
      aws: { role_arn: "arn:aws:iam::123456789012:role/x" },
      state_dir: "/no/such/place",
      files: [
        { tag: "plain", path: at("plain.log") },
        { tag: "java", path: at("java.log"), multi_line: { start: "^ERROR" } },
      ],
      line_sockets: [{ tag: "nobody", path: at("lines.sock") }],
      forward: { port, shared_key: "${FORWARD_KEY}" },
      monitor: { port: 1 },
    });
    const run = new Run([...args(), "--agent", agent], { FORWARD_KEY: KEY });
    await run.says(/agent runs as process/);
    for (const replaced of ["stream", "region", "aws", "state_dir", "monitor"])
      expect(run.said).toMatch(new RegExp(`^weir: {3}${replaced} is `, "m"));
    for (const shown of [`    port ${port}`, `      port: ${port}`, `nc -U ${at("lines.sock")}`])
      expect(run.said).toContain(shown);
    await run.says(/tag nobody has no type: .*_unrouted/);
    const taken = new Run([...args(), "--once"]);
    expect(await taken.ended).toBe(1);
    expect(taken.said).toContain(`another run is at work in ${at("run")}`);

    const client = new FluentClient("app", {
      socket: { host: "127.0.0.1", port, timeout: EVENT_MS },
      security: { clientHostname: "test", sharedKey: KEY },
      ack: { ackTimeout: 60_000 },
    });
    await Promise.all(Array.from({ length: 7 }, (_, n) => client.emit("web", { message: `${n}` })));
    await client.disconnect();
    await once(connect(at("lines.sock")).end("left\n"), "close");
    appendFileSync(at("plain.log"), "three\n");
    await run.says(/14 lines routed/);
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(0);

    expect(run.said).not.toContain(KEY);
    const report = reported();
    expect(report).toMatchObject({
      balanced: true,
      types: {
        java: { lines: 3, rows: 3, duplicates: 0 },
        plain: { lines: 3, rows: 3, duplicates: 0 },
        app: { lines: 7, rows: 7, duplicates: 0 },
        _unrouted: { lines: 1, rejected: 1 },
      },
      warehouse: { rows: 13 },
    });
    expect(report.notes).toEqual([
      expect.stringMatching(/^3 sources of the agent, [\d,]+ bytes/),
      "lines were counted in the files, too: plain",
      expect.stringMatching(/^bytes alone, not lines .*: app, java, _unrouted$/),
    ]);
  });
});

test("--once with nothing to send is refused before anything is started", async () => {
  const once = new Run(["--once"]);
  expect(await once.ended).toBe(1);
  expect(once.said).toMatch(/none of the sample's types.*\n.*--logs TYPE=GLOB/);
});
