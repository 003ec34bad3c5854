import { appendFile, chmod, mkdir, open, rename, rm, truncate, writeFile } from "node:fs/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import { reportFile } from "../../agent/progress/heartbeats.ts";
import { bySource } from "./event.ts";
import { ROTATED_IDLE_MS, TailHarness, type TailHarnessOptions } from "./tail-harness.ts";

/** Runs a scenario; the directory is gone afterwards, however it ends. */
function scenario(
  claim: string,
  run: (tail: TailHarness) => Promise<void>,
  options: TailHarnessOptions = {},
): void {
  test(claim, async () => {
    await using tail = await TailHarness.make(options);
    await run(tail);
  });
}

/** Does something without the rights of the superuser, who may read everything. */
async function withoutPrivileges(run: () => Promise<void>): Promise<void> {
  const NOBODY = 65_534;
  const isRoot = process.geteuid!() === 0;
  if (isRoot) process.seteuid!(NOBODY);
  try {
    await run();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}

const states = (tail: TailHarness) => tail.files.map((file) => reportFile(file).state);

scenario("lines are delivered as they are written, each once", async (tail) => {
  await writeFile(tail.path("a.log"), "one\ntwo\n");
  await tail.poll();
  await appendFile(tail.path("a.log"), "\nfour\n");
  await tail.poll();
  await tail.poll();
  expect(tail.events.map(({ text }) => text)).toEqual(["one", "two", "", "four"]);
  expect(tail.contents()).toEqual(["one\ntwo\n\nfour\n"]);
});

scenario("a line that has only begun waits for its line feed", async (tail) => {
  await writeFile(tail.path("a.log"), "one\ntw");
  await tail.poll();
  expect(tail.contents()).toEqual(["one\n"]);
  await appendFile(tail.path("a.log"), "o\n");
  await tail.poll();
  expect(tail.contents()).toEqual(["one\ntwo\n"]);
});

scenario("a renamed file is read to its end while its writer still holds it", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await tail.poll();
  await appendFile(tail.path("a.log.1"), "late\n");
  await writeFile(tail.path("a.log"), "new\n");
  await tail.poll();
  expect(tail.contents()).toEqual(["one\nlate\n", "new\n"]);
  tail.pass(ROTATED_IDLE_MS);
  await tail.poll();
  tail.acknowledge();
  expect(states(tail)).toEqual(["ended", "active"]);
});

scenario("a file moved out of sight is read to its end by its open handle", async (tail) => {
  await mkdir(tail.path("archive"));
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("archive/elsewhere"));
  await appendFile(tail.path("archive/elsewhere"), "two\n");
  await tail.poll();
  expect(tail.contents()).toEqual(["one\ntwo\n"]);
});

scenario("a deleted file is read to its end", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await appendFile(tail.path("a.log"), "two\nthree");
  await rm(tail.path("a.log"));
  await tail.poll();
  expect(tail.contents()).toEqual(["one\ntwo\n"]);
  tail.pass(ROTATED_IDLE_MS);
  await tail.poll();
  expect(tail.contents()).toEqual(["one\ntwo\nthree"]);
});

scenario("a file deleted and made again is another source", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rm(tail.path("a.log"));
  await writeFile(tail.path("a.log"), "two\n");
  await tail.poll();
  expect(tail.contents()).toEqual(["one\n", "two\n"]);
});

scenario("a truncated file goes on as another source", async (tail) => {
  await writeFile(tail.path("a.log"), "one\ntwo\n");
  await tail.poll();
  await truncate(tail.path("a.log"));
  await appendFile(tail.path("a.log"), "three\n");
  await tail.poll();
  expect(tail.contents()).toEqual(["one\ntwo\n", "three\n"]);
  tail.acknowledge();
  await tail.restart(() => truncate(tail.path("a.log")));
  await tail.poll();
  await appendFile(tail.path("a.log"), "4\n");
  await tail.poll();
  expect(tail.contents()).toEqual(["one\ntwo\n", "three\n", "4\n"]);
});

scenario("a file regrown past its old end while the agent was down is another source", async (tail) => {
  await writeFile(tail.path("a.log"), "one\ntwo\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(() => writeFile(tail.path("a.log"), "three\nfour\nfive"));
  await tail.drain();
  expect(tail.contents()).toEqual(["one\ntwo\n", "three\nfour\nfive"]);
  tail.acknowledge();
  expect(tail.files.map(reportFile)).toMatchObject([
    { state: "ended", delivered: 8, finalSize: 8 },
    { state: "active", delivered: 15, size: 15 },
  ]);
});

scenario("a writer that goes on at its old offset after a truncation is the same source", async (tail) => {
  const writer = await open(tail.path("a.log"), "w");
  await writer.write("one\ntwo\n");
  await tail.poll();
  await truncate(tail.path("a.log"));
  await writer.write("three\n");
  await tail.poll();
  await writer.close();
  expect(tail.contents()).toEqual(["one\ntwo\nthree\n"]);
});

scenario("a restart resumes at the acknowledged prefix", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await appendFile(tail.path("a.log"), "two\n");
  await tail.poll();
  await tail.restart();
  await tail.poll();
  expect(tail.events.map(({ text }) => text)).toEqual(["one", "two", "two"]);
  expect(tail.contents()).toEqual(["one\ntwo\n"]);
});

scenario(
  "a file is known before it is read: a crash and a rotation right after lose nothing",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    await tail.crash(async () => {
      await appendFile(tail.path("a.log"), "two\n");
      await rename(tail.path("a.log"), tail.path("a.log.1"));
      await writeFile(tail.path("a.log"), "new\n");
    });
    await tail.poll();
    expect(tail.contents()).toEqual(["one\ntwo\n", "new\n"]);
  },
);

scenario("rotated files that are older than what was followed are left alone", async (tail) => {
  await writeFile(tail.path("a.log.1"), "old\n");
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rename(tail.path("a.log.1"), tail.path("a.log.2"));
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await writeFile(tail.path("a.log"), "two\n");
  await tail.poll();
  expect(tail.contents()).toEqual(["one\n", "two\n"]);
});

scenario("a file that is gone after a restart is told of, not passed over", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(() => rm(tail.path("a.log")));
  await tail.poll();
  expect(tail.files.map(reportFile)).toMatchObject([
    { state: "error", delivered: 4, finalSize: null, error: expect.stringContaining("gone") },
  ]);
});

scenario("a drain delivers a last line without line feed, and what follows is counted on", async (tail) => {
  await writeFile(tail.path("a.log"), "one\ntwo");
  await tail.drain();
  tail.acknowledge();
  expect(tail.contents()).toEqual(["one\ntwo"]);
  await tail.restart();
  await appendFile(tail.path("a.log"), "\nthree\n");
  await tail.poll();
  expect(tail.events.map(({ text }) => text)).toEqual(["one", "two", "three"]);
  const [events = []] = bySource(tail.events).values();
  expect(events.at(-1)?.position).toMatchObject({ offset: 8, gap: { from: 7, reason: "skipped", lines: 0 } });
});

scenario(
  "a quiet last line is sent after its time, and goes on as a line of its own",
  async (tail) => {
    await writeFile(tail.path("a.log"), "half");
    await tail.poll();
    expect(tail.events).toEqual([]);
    tail.pass(5_000);
    await tail.poll();
    await appendFile(tail.path("a.log"), " and half\n");
    await tail.poll();
    expect(tail.events.map(({ text }) => text)).toEqual(["half", " and half"]);
    expect(tail.contents()).toEqual(["half and half\n"]);
  },
  { partialLineMs: 5_000 },
);

const begun: readonly [text: string, encoding: string | undefined, bytes: Buffer][] = [
  ["price 5 € end", undefined, Buffer.from("price 5 € end\n")],
  ["a 😀 b", undefined, Buffer.from("a 😀 b\n")],
  ["a 😀 b", "utf-16le", Buffer.from("a 😀 b\n", "utf16le")],
  ["a 😀 b", "utf-16be", Buffer.from("a 😀 b\n", "utf16le").swap16()],
  ["テスト", "shift_jis", Buffer.from("8365835883670a", "hex")],
  ["価格", "euc-jp", Buffer.from("b2c1b3ca0a", "hex")],
  ["a\u{20000}b", "gb18030", Buffer.from("6195328236620a", "hex")],
];

test.each(begun)("a quiet line is not cut within a character: %s in %s", async (text, encoding, bytes) => {
  const settings = encoding === undefined ? {} : { encoding };
  for (let written = 1; written < bytes.length; written++) {
    await using tail = await TailHarness.make({ partialLineMs: 5_000, settings });
    await writeFile(tail.path("a.log"), bytes.subarray(0, written));
    for (let looks = 0; looks < 3; looks++) {
      await tail.poll();
      tail.pass(5_000);
    }
    await appendFile(tail.path("a.log"), bytes.subarray(written));
    await tail.poll();
    await tail.poll();
    const texts = tail.events.map(({ text }) => Buffer.from(text, "latin1").toString());
    expect(texts.join("")).toBe(text);
    expect(texts.length).toBeLessThanOrEqual(2);
  }
});

scenario(
  "a line whose carriage return came first ends with it, and its line feed is no line",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\r");
    await tail.poll();
    tail.pass(5_000);
    await tail.poll();
    await appendFile(tail.path("a.log"), "\ntwo\r\n");
    await tail.poll();
    expect(tail.events.map(({ text }) => text)).toEqual(["one\r", "two\r"]);
  },
  { partialLineMs: 5_000 },
);

scenario(
  "half a character is sent when its file has ended",
  async (tail) => {
    await writeFile(tail.path("a.log"), Buffer.from("one €").subarray(0, 6));
    await tail.drain();
    expect(tail.contents()).toEqual(["one \xe2\x82"]);
  },
  { partialLineMs: 5_000 },
);

scenario(
  "a line over the limit is cut, its rest a gap, also when the agent is killed within it",
  async (tail) => {
    await writeFile(tail.path("a.log"), "x".repeat(100));
    await tail.poll();
    tail.acknowledge();
    await tail.restart();
    await appendFile(tail.path("a.log"), "yy\nnext\n");
    await tail.poll();
    expect(tail.contents()).toEqual([`${"x".repeat(64)}${"?".repeat(39)}next\n`]);
    const [events = []] = bySource(tail.events).values();
    expect(events[1]?.position.gap).toEqual({ from: 64, reason: "too-long", lines: 0 });
  },
  { settings: { max_line_bytes: 64 } },
);

scenario(
  "a gap at the end of a source is told by its heartbeat",
  async (tail) => {
    await writeFile(tail.path("a.log"), `${"x".repeat(100)}\n`);
    await tail.drain();
    tail.acknowledge();
    expect(tail.files.map(reportFile)).toMatchObject([
      { size: 101, read: 101, delivered: 64, gap: { from: 64, reason: "too-long", lines: 0 } },
    ]);
  },
  { settings: { max_line_bytes: 64 } },
);

scenario(
  "reading from the end skips what was there, states it, and applies to no later file",
  async (tail) => {
    await writeFile(tail.path("a.log"), "old\nha");
    await tail.poll();
    await appendFile(tail.path("a.log"), "lf\nnew\n");
    await writeFile(tail.path("b.log"), "whole\n");
    await tail.restart();
    await tail.poll();
    expect(tail.contents().sort()).toEqual(["?????????new\n", "whole\n"]);
    expect(tail.events.find(({ text }) => text === "new")?.position.gap).toEqual({
      from: 0,
      reason: "skipped",
      lines: 0,
    });
  },
  { settings: { start_at: "end" } },
);

scenario(
  "more files than may be open are all followed, and found after a rotation",
  async (tail) => {
    const names = Array.from({ length: 8 }, (_, i) => `${i}.log`);
    for (const name of names) await writeFile(tail.path(name), `${name}\n`);
    await tail.poll();
    expect(tail.files.filter(({ isOpen }) => isOpen).length).toBeLessThanOrEqual(2);
    for (const name of names) {
      await appendFile(tail.path(name), "more\n");
      await rename(tail.path(name), tail.path(`${name}.1`));
    }
    await tail.poll();
    expect(tail.contents().sort()).toEqual(names.map((name) => `${name}\nmore\n`));
  },
  { maxOpenFiles: 2 },
);

scenario("a drain finds what was rotated while the agent was down", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await appendFile(tail.path("a.log"), "two");
    await rename(tail.path("a.log"), tail.path("a.log.1"));
  });
  await tail.drain();
  tail.acknowledge();
  expect(tail.contents()).toEqual(["one\ntwo"]);
  expect(tail.files.map(reportFile)).toMatchObject([{ state: "ended", delivered: 7, finalSize: 7 }]);
});

scenario("a file that cannot be read is told of and tried again, while others go on", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n", { mode: 0o000 });
  await writeFile(tail.path("b.log"), "two\n", { mode: 0o644 });
  await chmod(tail.directory, 0o755);
  await withoutPrivileges(async () => {
    await tail.poll();
    expect(tail.contents()).toEqual(["two\n"]);
    const error = `EACCES: permission denied, open '${tail.path("a.log")}'`;
    expect(tail.files.map(reportFile)).toMatchObject([{ state: "error", error }, { state: "active" }]);
    expect(await tail.problems()).toEqual([
      expect.stringContaining(`cannot read ${tail.path("a.log")}: EACCES`),
    ]);
  });
  await chmod(tail.path("a.log"), 0o644);
  await withoutPrivileges(() => tail.poll());
  expect(tail.contents().sort()).toEqual(["one\n", "two\n"]);
  expect(states(tail)).toEqual(["active", "active"]);
});

test("every file is told in the log by the id that its rows have", async () => {
  const told: { msg: string; source?: string; path: string }[] = [];
  const log = pino({}, { write: (line) => void told.push(JSON.parse(line) as (typeof told)[number]) });
  await using tail = await TailHarness.make({ log });
  await writeFile(tail.path("a.log"), "one\n");
  await writeFile(tail.path("empty.log"), "");
  await tail.poll();
  await writeFile(tail.path("a.log"), "new\n");
  await tail.poll();
  await appendFile(tail.path("empty.log"), "late\n");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await tail.poll();
  const rows = new Set(tail.events.map(({ position }) => position.source.id));
  const ids = told.flatMap(({ source }) => source ?? []);
  expect(new Set(ids)).toEqual(rows);
  expect(told.map(({ msg, source }) => [msg, source !== undefined])).toEqual([
    ["following", true],
    ["following", false],
    ["truncated", true],
    ["truncated, and no copy is found: what was written last may be lost", true],
    ["following", true],
    ["following", true],
    ["rotated", true],
  ]);
});
