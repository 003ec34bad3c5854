import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { reportSchema } from "../../local/reconcile/report.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LOGS = join(ROOT, "../shared/logs");
const NOBODY = 65_534;

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "weir-command-"));
  chmodSync(dir, 0o777);
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

function start(args: readonly string[], options: { path?: string; uid?: number } = {}): ChildProcess {
  const { path, uid } = options;
  const child = spawn(process.execPath, ["bin/weir.ts", "local", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...(path !== undefined && { PATH: path }) },
    ...(uid !== undefined && { uid, gid: uid }),
  });
  // A test that fails leaves nothing running that slows down the others.
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function weir(args: readonly string[], options: { uid?: number } = {}): Promise<Ended> {
  const child = start(args, options);
  const [stderr, [code]] = await Promise.all([text(child.stderr!), once(child, "exit")]);
  return { code: code as number | null, stderr };
}

async function reportOf(args: readonly string[]) {
  const file = join(dir, `${randomUUID()}.json`);
  const { code, stderr } = await weir(["--once", "--report", file, ...args]);
  expect(stderr).not.toContain("Error");
  const report = reportSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  expect(report.problems).toEqual([]);
  expect(code).toBe(0);
  return report;
}

describe.skipIf(!existsSync(LOGS))("real log files, if they are beside the repository,", () => {
  test("in combined format are rows or explained rejects, to the last line", async () => {
    const { types, rejects } = await reportOf(["--logs", `access=${LOGS}/apache-combined.log`]);
    const { lines, rows, rejected } = types["access"]!;
    expect(lines).toBe(5_000);
    expect(rows + rejected).toBe(5_000);
    expect(rejects.reduce((sum, { count }) => sum + count, 0)).toBe(rejected);
  });

  test("with CRLF and no final newline are read to the last line, by patterns and as they are", async () => {
    const files = { linux: "syslog", openssh: "syslog", hadoop: "java", zookeeper: "java", apache: "raw" };
    const logs = Object.entries(files).flatMap(([file, type]) => ["--logs", `${type}=${LOGS}/${file}.log`]);
    const { types } = await reportOf(["--config", "docs/examples/system-logs.config.ts", ...logs]);
    for (const [type, lines] of [
      ["syslog", 4_000],
      ["java", 4_000],
      ["raw", 2_000],
    ] as const) {
      expect(types[type]).toMatchObject({ lines, duplicates: 0 });
      expect(types[type]!.rows + types[type]!.rejected).toBe(lines);
    }
  });
});

test("a format that fits none of its lines balances, is told first with such a line, and is no success", async () => {
  const log = join(dir, `${randomUUID()}.log`);
  const line =
    '192.0.2.1 - - [26/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 612 "-" "Mozilla/5.0" "203.0.113.7"';
  writeFileSync(log, `${line}\n`.repeat(40));
  const args = ["bin/weir.ts", "local", "--once", "--logs", `access=${log}`];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
  const [table, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(code).toBe(1);
  expect(table.trim()).toMatch(/^access: 40 of 40 lines \(100\.0 %\) were rejected/);
  expect(table).toMatch(/text after agent: .*, as in the format nginx-main/);
  for (const shown of [line, `${log}:1`, "Balanced, but too many rejected of access"])
    expect(table).toContain(shown);
});

test("a table that cannot be loaded is named in the table and the report, and what could be is told", async () => {
  // Each row of the one is larger than a page of the local warehouse, which refuses it.
  const wide = Array.from({ length: 1_200 }, (_, i) => `c${i}`);
  const file = (name: string, data: unknown): string => {
    const path = join(dir, `${randomUUID()}-${name}`);
    writeFileSync(path, JSON.stringify(data));
    return path;
  };
  const columns = (names: readonly string[]) => names.map((name) => ({ name, type: "bigint" }));
  const type = (name: string, names: readonly string[]) => ({
    name,
    parse: { format: "json" },
    columns: columns(names),
    destinations: [{ to: "s3" }, { to: "redshift" }],
  });
  const config = file("config.json", {
    warehouse: { kind: "new-serverless" },
    types: [type("wide", wide), type("narrow", ["a"])],
  });
  const row = Object.fromEntries(wide.map((name, i) => [name, 2 ** 52 + i]));
  const logs = [`wide=${file("wide.log", row)}`, `narrow=${file("narrow.log", { a: 1 })}`];
  const reportFile = join(dir, `${randomUUID()}.json`);
  const child = spawn(
    process.execPath,
    [
      "bin/weir.ts",
      "local",
      "--once",
      "--config",
      config,
      "--report",
      reportFile,
      "--logs",
      logs[0]!,
      "--logs",
      logs[1]!,
    ],
    { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] },
  );
  const [table, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(code).toBe(1);
  expect(table).toMatch(/wide +1 = +1 \+ +0/);
  expect(table.replaceAll(/\s+/g, " ")).toMatch(/table logs\.wide could not be loaded: .*row is too big/);
  const report = reportSchema.parse(JSON.parse(readFileSync(reportFile, "utf8")));
  expect(report).toMatchObject({
    balanced: false,
    types: { wide: { lines: 1, rows: 1 }, narrow: { lines: 1, rows: 1 } },
    warehouse: { loads: 1, rows: 1 },
  });
  expect(report.problems[0]).toMatch(/^table logs\.wide could not be loaded: .*row is too big/);
});

describe("a command that cannot succeed says what is wrong and exits with 1", () => {
  const config = (types: unknown): string => {
    const file = join(dir, `${randomUUID()}.json`);
    writeFileSync(file, JSON.stringify({ types }));
    return file;
  };

  test.each<[string, () => readonly string[], RegExp]>([
    ["an unknown option", () => ["--frobnicate"], /unknown option '--frobnicate'/],
    [
      "files of an unknown type",
      () => ["--logs", "nope=/tmp/x"],
      /there is no log type "nope"[^]*access, photo, user/,
    ],
    ["a missing directory", () => ["--logs", "access=/no/such/*.log"], /nothing matches \/no\/such\/\*\.log/],
    ["a missing file", () => ["--logs", "access=/no/such.log"], /\/no\/such\.log does not exist/],
    ["a missing configuration", () => ["--config", join(dir, "none.ts")], /none\.ts/],
    [
      "an unknown setting",
      () => [
        "--config",
        config([
          { name: "a", parse: { format: "raw" }, columns: [{ name: "line", type: "varchar(9)" }], colour: 1 },
        ]),
      ],
      /types\[0\] "a": Unrecognized key: "colour"/,
    ],
    [
      "an invalid log type",
      () => [
        "--config",
        config([{ name: "a", parse: { format: "raw" }, columns: [{ name: "line", type: "text" }] }]),
      ],
      /types\[0\] "a" columns\[0\] "line" type: not a column type: write varchar/,
    ],
    ["a folder in use", () => ["--dir", ROOT], /is not empty/],
  ])("%s", async (_claim, args, message) => {
    const { code, stderr } = await weir(["--once", ...args()]);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });

  test("a port in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const { code, stderr } = await weir(["--once", "--port", `${port}`]);
    server.close();
    expect(stderr).toContain(`live page: port ${port} is in use`);
    expect(code).toBe(1);
  });

  test("a full disk", async ({ skip }) => {
    const small = mkdtempSync(join(dir, "disk-"));
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=60m", "tmpfs", small]);
    if (mounted.status !== 0) skip("this user may not mount a small disk");
    try {
      const { code, stderr } = await weir(["--once", "--dir", join(small, "run")]);
      expect(stderr).toMatch(new RegExp(`no space left on device[^]*Make room where ${small}`, "i"));
      expect(code).toBe(1);
    } finally {
      spawnSync("umount", ["--lazy", small]); // a process may be on its way out
    }
  });

  test("an unreadable file", async () => {
    const file = join(dir, "secret.log");
    writeFileSync(file, "GET /\n", { mode: 0o000 });
    const isRoot = process.getuid?.() === 0;
    const { code, stderr } = await weir(
      ["--once", "--logs", `access=${file}`],
      isRoot ? { uid: NOBODY } : {},
    );
    expect(stderr).toContain(`${file} cannot be read`);
    expect(code).toBe(1);
  });
});

/** A run without end, and what it has said. */
class Endless {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  stderr = "";

  constructor(args: readonly string[], options: { path?: string } = {}) {
    this.child = start(["--rate", "50", ...args], options);
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.ended = once(this.child, "close").then(([code]) => code as number | null);
  }

  /** @throws when it ends without having said so */
  async says(words: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = words.exec(this.stderr);
      if (found) return found;
      if (this.child.exitCode !== null) throw new Error(`never said ${words.source}:\n${this.stderr}`);
      await sleep(20);
    }
  }
}

test.skipIf(!existsSync("/proc/self/environ"))(
  "a run listens on 127.0.0.1 alone, and Ctrl-C leaves no process behind, though the agent is being started again",
  async () => {
    // Every process of a run inherits PATH, and so this mark.
    const mark = `/weir-mark-${randomUUID()}`;
    const run = new Endless([], { path: `${process.env["PATH"]}:${mark}` });
    await run.says(/[1-9]\d* lines routed/);
    const pids = processesWith(mark);
    expect(pids.length).toBeGreaterThan(4);
    const addresses = [run.child.pid!, ...pids].flatMap(listening);
    expect(addresses.length).toBeGreaterThan(8);
    expect(addresses.filter((address) => !address.startsWith("127.0.0.1:"))).toEqual([]);
    const [, pid] = await run.says(/agent runs as process (\d+)/);
    process.kill(Number(pid), "SIGKILL");
    await run.says(/starts again/);
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(0);
    expect(run.stderr).toContain("stopping");
    await expect.poll(() => processesWith(mark)).toEqual([]);
  },
);

test("an agent that cannot go on ends a run without end, which says why", async () => {
  const folder = join(dir, "run");
  const run = new Endless(["--dir", folder]);
  const [, pid] = await run.says(/agent runs as process (\d+)/);
  writeFileSync(join(folder, "agent.toml"), "stream = ");
  process.kill(Number(pid), "SIGKILL");
  expect(await run.ended).toBe(1);
  expect(run.stderr).toMatch(/agent: ended with exit code 1\n.*agent\.toml/);
});

function processesWith(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").includes(mark);
      } catch {
        return false; // gone, or somebody else's
      }
    })
    .map(Number);
}

/** Where a process listens, by TCP; nowhere once it has ended. source: proc_pid_net(5), addresses of this machine's byte order, state 0A */
function listening(pid: number): string[] {
  const inodes = new Map<string, string>();
  // Ours has the sockets of every process beside it, and stays.
  for (const family of ["tcp", "tcp6"]) {
    for (const line of readFileSync(`/proc/self/net/${family}`, "latin1").trim().split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      if (state === "0A") inodes.set(`socket:[${inode}]`, addressText(local));
    }
  }
  return descriptorsOf(pid).flatMap((link) => inodes.get(link) ?? []);
}

function addressText(hex: string): string {
  const [host = "", port = ""] = hex.split(":");
  const bytes = Buffer.from(host, "hex").reverse();
  return `${bytes.length === 4 ? bytes.join(".") : host}:${parseInt(port, 16)}`;
}

function descriptorsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((fd) => linkOf(join(folder, fd)));
  } catch {
    return []; // ended meanwhile
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}
