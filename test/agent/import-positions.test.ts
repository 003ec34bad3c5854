import { execFile } from "node:child_process";
import {
  appendFile,
  copyFile,
  open,
  readFile,
  rename,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { importPositions, KEPT_AS } from "../../agent/command/import/positions/import-positions.ts";
import { StateLock } from "../../agent/progress/state-lock.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";

const execute = promisify(execFile);

/** Longer than the clock's tick by which files are told apart that were made before and after. */
const LATER_MS = 25;

/** Keeps the time of the last change, as logrotate does. */
async function gzip(path: string): Promise<void> {
  await execute("gzip", [path]);
}

async function ino(path: string): Promise<string> {
  return (await stat(path)).ino.toString(16).padStart(16, "0");
}

/** A line of a pos_file, as Fluentd writes it. */
async function entry(path: string, offset: number): Promise<string> {
  return `${path}\t${offset.toString(16).padStart(16, "0")}\t${await ino(path)}\n`;
}

/** Stops Fluentd: what is made from now on was made later. */
async function stopFluentd(agent: AgentFixture, ...entries: readonly string[]): Promise<string> {
  const path = agent.path("fluentd.pos");
  await writeFile(path, entries.join(""));
  await sleep(LATER_MS);
  return path;
}

async function take(agent: AgentFixture, positions: string, isDryRun = false, replaces = false) {
  return importPositions([positions], agent.config(), { isDryRun, replaces });
}

/** The text of each line that came, in the order of sources' paths and offsets. */
function received(agent: AgentFixture): string[] {
  return agent.events.map(({ text }) => text).sort();
}

function texts(...parts: readonly string[]): string[] {
  return parts.flatMap((part) => part.split("\n").filter((line) => line !== "")).sort();
}

test("the agent begins each file where Fluentd has ended, and files without a position at their beginning", async () => {
  await using agent = await AgentFixture.make();
  const [a, b, fresh] = [agent.path("a.log"), agent.path("b.log"), agent.path("fresh.log")];
  await writeFile(a, lines(10, "a"));
  await writeFile(b, lines(10, "b"));
  const positions = await stopFluentd(
    agent,
    await entry(a, lines(4, "a").length),
    await entry(b, lines(10, "b").length),
  );
  await appendFile(b, "b more\n");
  await writeFile(fresh, "fresh\n");
  const { unknown, files } = await take(agent, positions);
  expect(unknown).toEqual([{ path: fresh, size: 6 }]);
  expect(files.map(({ path, offset, note }) => [path, offset, note])).toEqual([
    [a, lines(4, "a").length, undefined],
    [b, lines(10, "b").length, undefined],
  ]);
  // An entry that begins at the end of what is there is no reason to leave out what has come since.
  const atEnd = { files: [{ tag: "test", path: agent.path("*.log"), start_at: "end" }] };
  await agent.drain(atEnd);
  const rest = texts(lines(10, "a").slice(lines(4, "a").length), "b more", "fresh");
  expect(received(agent)).toEqual(rest);
  const first = agent.events.find(({ text }) => text === "a 4")!;
  expect(first.position).toMatchObject({ offset: lines(4, "a").length, gap: { from: 0, reason: "skipped" } });
  await appendFile(a, "a last\n");
  await agent.drain(atEnd);
  expect(received(agent)).toEqual([...rest, "a last"].sort());
});

test("what was renamed since is read on under its inode, and what came and went in between is read whole", async () => {
  await using agent = await AgentFixture.make();
  const a = agent.path("a.log");
  await writeFile(`${a}.1`, "long delivered\n");
  await sleep(LATER_MS);
  await writeFile(a, "a 0\na 1\n");
  const positions = await stopFluentd(agent, await entry(a, 4));
  await appendFile(a, "a 2\n");
  await rename(`${a}.1`, `${a}.3`);
  await rename(a, `${a}.2`);
  await writeFile(`${a}.1`, "b 0\nb 1\n");
  await writeFile(a, "now\n");
  const { files, earlier } = await take(agent, positions);
  expect(files.map(({ path, offset }) => [path, offset])).toEqual([
    [`${a}.2`, 4],
    [`${a}.1`, 0],
    [a, 0],
  ]);
  expect(earlier).toEqual([`${a}.3`]);
  await agent.drain();
  expect(received(agent)).toEqual(texts("a 1", "a 2", "b 0", "b 1", "now"));
  expect(new Set(agent.events.map(({ position }) => position.source.path))).toEqual(new Set([a]));
});

/** Renames a file that was rotated before, away from where the next is to be. */
async function shift(path: string, from: string, to: string): Promise<void> {
  await rename(`${path}${from}`, `${path}${to}`);
}

for (const isLate of [false, true]) {
  const when = isLate ? "a rotation later" : "at once";
  test(`what was renamed and compressed since, ${when}, is read on in its archive, what came in between whole`, async () => {
    await using agent = await AgentFixture.make();
    const a = agent.path("a.log");
    // All lines are of one length: any of these files may hold any position.
    await writeFile(`${a}.2`, "d 0\nd 1\nd 2\n");
    await gzip(`${a}.2`);
    await writeFile(`${a}.1`, "b 0\nb 1\nb 2\n");
    if (!isLate) await gzip(`${a}.1`);
    await sleep(LATER_MS);
    await writeFile(a, "a 0\na 1\n");
    const positions = await stopFluentd(agent, await entry(a, 4));
    await appendFile(a, "a 2\n");
    await shift(a, ".2.gz", ".4.gz");
    await shift(a, isLate ? ".1" : ".1.gz", isLate ? ".3" : ".3.gz");
    if (isLate) await gzip(`${a}.3`);
    await shift(a, "", ".2");
    await gzip(`${a}.2`);
    await sleep(LATER_MS);
    await writeFile(`${a}.1`, "c 0\nc 1\n");
    if (!isLate) await gzip(`${a}.1`);
    await writeFile(a, "now\n");
    const { files, earlier } = await take(agent, positions);
    expect(files.map(({ path, offset }) => [path, offset])).toEqual([
      [`${a}.2.gz`, 4],
      [isLate ? `${a}.1` : `${a}.1.gz`, 0],
      [a, 0],
    ]);
    expect(earlier.toSorted()).toEqual([`${a}.3.gz`, `${a}.4.gz`]);
    await agent.drain();
    expect(received(agent)).toEqual(texts("a 1", "a 2", "c 0", "c 1", "now"));
  });
}

test("what was not read and not written to since, and was compressed, is read whatever else may be it", async () => {
  await using agent = await AgentFixture.make();
  const a = agent.path("a.log");
  await writeFile(a, "a 0\na 1\na 2\n");
  const positions = await stopFluentd(agent, await entry(a, 4));
  await shift(a, "", ".2");
  await gzip(`${a}.2`);
  await writeFile(`${a}.1`, "c 0\nc 1\n");
  await writeFile(a, "now\n");
  await take(agent, positions);
  await agent.drain();
  expect(received(agent)).toEqual(texts("a 1", "a 2", "c 0", "c 1", "now"));
});

for (const isCompressed of [false, true]) {
  test(`what was copied and truncated since is read on in its copy${isCompressed ? ", though compressed" : ""}`, async () => {
    await using agent = await AgentFixture.make();
    const a = agent.path("a.log");
    await writeFile(a, "an earlier\nlife\n");
    await copyFile(a, `${a}.1`);
    await sleep(LATER_MS);
    await truncate(a);
    await appendFile(a, "a 0\na 1\n");
    const positions = await stopFluentd(agent, await entry(a, 4));
    await appendFile(a, "a 2\n");
    await rename(`${a}.1`, `${a}.2`);
    await copyFile(a, `${a}.1`);
    if (isCompressed) await gzip(`${a}.1`);
    await truncate(a);
    await appendFile(a, "written anew, and longer than before\n");
    const { earlier } = await take(agent, positions);
    expect(earlier).toEqual([`${a}.2`]);
    await agent.drain();
    expect(received(agent)).toEqual(texts("a 1", "a 2", "written anew, and longer than before"));
  });
}

test("a copy that is only a copy changes nothing", async () => {
  await using agent = await AgentFixture.make();
  const a = agent.path("a.log");
  await writeFile(a, "a 0\na 1\n");
  const positions = await stopFluentd(agent, await entry(a, 4));
  await copyFile(a, `${a}.1`);
  await appendFile(a, "a 2\n");
  const { files } = await take(agent, positions);
  expect(files).toContainEqual({ path: a, tag: "test", offset: 4, size: 12, note: undefined });
});

test("in doubt lines are delivered: a file that is shorter now, a position within a line, one that was dropped", async () => {
  await using agent = await AgentFixture.make();
  const [short, within, dropped] = [
    agent.path("short.log"),
    agent.path("within.log"),
    agent.path("dropped.log"),
  ];
  await writeFile(short, "anew\n");
  await writeFile(within, "one\ntwo\nthree\n");
  await writeFile(dropped, "dropped\n");
  const unwatched = (await entry(dropped, 0)).replace("0".repeat(16), "f".repeat(16));
  const positions = await stopFluentd(agent, await entry(short, 100), await entry(within, 6), unwatched);
  const { files, unknown, notes } = await take(agent, positions);
  expect(files.map(({ path, offset, note }) => [path, offset, note])).toEqual([
    [short, 0, "it has 5 bytes, and was read up to 100: written anew since, so from its beginning"],
    [within, 4, "its position 6 is within a line, so from that line's start"],
  ]);
  expect(unknown).toEqual([{ path: dropped, size: 8 }]);
  expect(notes).toEqual([expect.stringContaining("dropped.log: the other agent had stopped following it")]);
  await agent.drain();
  expect(received(agent)).toEqual(texts("anew", "two", "three", "dropped"));
});

test("a file that was given the inode of one that is gone is not taken for it", async () => {
  await using agent = await AgentFixture.make();
  const a = agent.path("a.log");
  await writeFile(a, "a 0\n");
  // The position is as old as if Fluentd had been stopped long ago.
  const positions = await stopFluentd(agent, await entry(a, 4));
  await utimes(positions, new Date(), Date.now() / 1_000 - 60);
  const { notes } = await take(agent, positions);
  expect(notes).toEqual([
    `${a}: read up to byte 4, and it is not found any more: what came after that is unknown`,
  ]);
  await agent.drain();
  expect(received(agent)).toEqual(["a 0"]);
});

test("positions of paths that no entry takes, and what is none, are told one by one", async () => {
  await using agent = await AgentFixture.make();
  const a = agent.path("a.log");
  await writeFile(a, "a 0\n");
  const other = "/var/log/other\t0000000000000001\t0000000000000001\n";
  const positions = await stopFluentd(agent, await entry(a, 4), other, "no position\n", "b.log\t1\t1\n");
  const { notes } = await take(agent, positions, true);
  expect(notes).toEqual([
    `${positions}: line 3: left out, it is no position: no position`,
    `${positions}: line 4: left out, its path is relative: b.log`,
    "/var/log/other: left out, no [[files]] entry takes it",
  ]);
});

test("Fluent Bit's database is read with what is in its write-ahead log, rotated names and all", async () => {
  await using agent = await AgentFixture.make();
  const [a, file] = [agent.path("a.log"), agent.path("tail.db")];
  await writeFile(`${a}.1`, "old 0\nold 1\n");
  await writeFile(a, "new 0\nnew 1\n");
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA journal_mode=WAL; CREATE TABLE in_tail_files (id INTEGER PRIMARY KEY, name TEXT NOT NULL,
      offset INTEGER, inode INTEGER, created INTEGER, rotated INTEGER DEFAULT 0)`);
    const add = database.prepare(
      "INSERT INTO in_tail_files (name, offset, inode, created, rotated) VALUES (?, ?, ?, 1, ?)",
    );
    add.run(`${a}.1`, 6, (await stat(`${a}.1`)).ino, 1);
    add.run(a, 12, (await stat(a)).ino, 0);
    add.run(a, 2n ** 62n, 7, 0);
    // An agent that was killed leaves its log; one that still runs has the file open.
    await expect(take(agent, file)).resolves.toMatchObject({
      kinds: ["Fluent Bit's database of tail"],
      notes: [expect.stringMatching(/left out, it is no position: .*4611686018427387904/)],
    });
  } finally {
    database.close();
  }
  await agent.drain();
  expect(received(agent)).toEqual(["old 1"]);
});

test("amazon-kinesis-agent's checkpoints are taken by file id, the one that was saved last", async () => {
  await using agent = await AgentFixture.make();
  const [a, file] = [agent.path("a.log"), agent.path("checkpoints")];
  await writeFile(`${a}.1`, "old 0\nold 1\n");
  await writeFile(a, "new 0\nnew 1\n");
  const database = new DatabaseSync(file);
  database.exec(`create table if not exists FILE_CHECKPOINTS(flow text, path text, fileId text, lastModifiedTime bigint,
    size bigint, offset bigint, lastUpdated datetime, primary key (flow, path))`);
  const add = database.prepare(
    "insert into FILE_CHECKPOINTS values ('f', ?, ?, 1, 12, ?, strftime('%Y-%m-%d %H:%M:%f', 'now', ?))",
  );
  const old = (await stat(`${a}.1`)).ino;
  add.run(`${a}.1`, `(dev=fd01,ino=${old})`, 12, "-0.001 seconds");
  add.run(`${a}.2`, "(dev=fd01,ino=1)", 5, "-3 days");
  add.run(a, `(dev=fd01,ino=${(await stat(a)).ino})`, 6, "+0 seconds");
  database.close();
  await writeFile(`${a}.3`, "oldest\n");
  await utimes(`${a}.3`, new Date(), Date.now() / 1_000 - 60);
  // It reads one file of a pattern after the other, so that it was done with what is older.
  const all = { files: [{ tag: "test", path: agent.path("a.log*") }] };
  const options = { isDryRun: false, replaces: false };
  const { notes, earlier } = await importPositions([file], agent.config(all), options);
  expect(notes).toEqual([]);
  expect(earlier).toEqual([`${a}.3`]);
  await agent.drain(all);
  expect(received(agent)).toEqual(["new 1"]);
});

test("positions are refused while either agent runs, and where there are positions, until --replace", async () => {
  await using agent = await AgentFixture.make();
  const [a, other] = [agent.path("a.log"), agent.path("other.log")];
  await writeFile(a, "a 0\na 1\n");
  await writeFile(other, "other\n");
  const positions = await stopFluentd(agent, await entry(a, 4));
  const held = await open(positions);
  const holder = new AgentChild(["-c", `exec 9<"$0"; echo ready >&2; read _ </dev/zero`, positions], {}, [
    "/bin/sh",
  ]);
  try {
    await holder.until(() => holder.stderr.includes("ready"));
    await expect(take(agent, positions)).rejects.toMatchObject({ code: "POSITIONS_IN_USE" });
    await expect(take(agent, positions, true)).resolves.toMatchObject({ checkpoint: undefined });
  } finally {
    await held.close();
    await holder.kill("SIGKILL");
  }
  await agent.drain();
  expect(received(agent)).toEqual(texts("a 0", "a 1", "other"));
  {
    await using _lock = await StateLock.take(agent.path("state"));
    await expect(take(agent, positions, false, true)).rejects.toMatchObject({ code: "STATE_LOCKED" });
  }
  await expect(take(agent, positions)).rejects.toMatchObject({ code: "CHECKPOINT_EXISTS" });
  const before = await readFile(agent.path("state/checkpoint.json"), "utf8");
  await take(agent, positions, false, true);
  expect(await readFile(agent.path(`state/${KEPT_AS}`), "utf8")).toBe(before);
  await agent.drain();
  // Read again from there on, and nothing of the other file.
  expect(received(agent)).toEqual(texts("a 0", "a 1", "a 1", "other"));
});

test("what is no file of positions is refused in words", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), "a 0\n");
  await writeFile(agent.path("empty"), "");
  await writeFile(agent.path("damaged"), "SQLite format 3\0 and no more");
  new DatabaseSync(agent.path("other.db")).exec("CREATE TABLE t (a)");
  for (const [name, said] of [
    ["a.log", /these are no positions that are known; Fluentd's pos_file/],
    ["other.db", /these are no positions that are known/],
    ["empty", /there is no position/],
    ["damaged", /damaged: (file is not a database|database disk image is malformed)/],
    ["missing", /missing: ENOENT/],
  ] as const) {
    await expect(take(agent, agent.path(name))).rejects.toThrow(said);
  }
});

test("files whose names look rotated are files of their own where an entry takes them", async () => {
  await using agent = await AgentFixture.make();
  const [worker, second, third] = ["worker", "worker-1", "worker-2"].map((name) => agent.path(`${name}.log`));
  for (const path of [worker!, second!]) await writeFile(path, "a 0\na 1\n");
  const positions = await stopFluentd(agent, await entry(worker!, 4), await entry(second!, 8));
  await writeFile(third!, "b 0\n");
  await rename(second!, `${second}.1`);
  await writeFile(second!, "c 0\n");
  const { files, earlier } = await take(agent, positions);
  expect(files.map(({ path, offset }) => [path, offset])).toEqual([
    [worker, 4],
    [`${second}.1`, 8],
    [second, 0],
  ]);
  expect(earlier).toEqual([]);
  await agent.drain();
  expect(received(agent)).toEqual(texts("a 1", "b 0", "c 0"));
});

test("the command writes where each file will be read from, and says so", async () => {
  await using agent = await AgentFixture.make();
  const a = agent.path("a.log");
  await writeFile(a, "a 0\na 1\n");
  const positions = await stopFluentd(agent, await entry(a, 4));
  await using child = await AgentChild.start(agent, ["positions", positions]);
  const told = `Fluentd's pos_file: 1 file\n\n${a} (test): from byte 4, 4 of 8 bytes are left\n\n`;
  const written = `${agent.path("state/checkpoint.json")} is written: start the agent\n`;
  expect(await child.ended).toMatchObject({ code: 0, stdout: told + written, stderr: "" });
});
