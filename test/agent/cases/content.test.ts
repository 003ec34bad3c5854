import { appendFile, open, rename, truncate, writeFile } from "node:fs/promises";
import { expect } from "vitest";
import { reportFile } from "../../../agent/progress/heartbeats.ts";
import { ROTATED_IDLE_MS, type TailHarness } from "../tail-harness.ts";
import { tailCase } from "./tail-case.ts";

const texts = (tail: TailHarness): string[] => tail.events.map(({ text }) => text);

const gaps = (tail: TailHarness) => tail.events.flatMap(({ position }) => position.gap ?? []);

tailCase(23, "a last line that is written on after its file was rotated", async (tail) => {
  const writer = await open(tail.path("a.log"), "a");
  await writer.write("one\ntw");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await tail.poll();
  await writer.write("o\n");
  await writer.close();
  await tail.poll();
  expect(texts(tail)).toEqual(["one", "two"]);
  return ["one\ntwo\n"];
});

tailCase(24, "a rotated file without a final line feed", async (tail) => {
  await writeFile(tail.path("a.log"), "one\ntwo");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await tail.poll();
  expect(texts(tail)).toEqual(["one"]);
  tail.pass(ROTATED_IDLE_MS);
  await tail.poll();
  return ["one\ntwo"];
});

tailCase(
  24,
  "a last line that was sent for want of its end, and a crash before its end came",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\ntw");
    await tail.poll();
    tail.pass(5_000);
    await tail.poll();
    expect(texts(tail)).toEqual(["one", "tw"]);
    await tail.crash(() => appendFile(tail.path("a.log"), "o\nthree\n"));
    await tail.poll();
    expect(texts(tail)).toEqual(["one", "tw", "one", "tw", "o", "three"]);
    return ["one\ntwo\nthree\n"];
  },
  { partialLineMs: 5_000, mayRepeat: true },
);

tailCase(
  25,
  "a line over the limit",
  async (tail) => {
    await writeFile(tail.path("a.log"), `one\n${"x".repeat(200)}\ntwo\n`);
    await tail.poll();
    expect(gaps(tail)).toEqual([{ from: 68, reason: "too-long", lines: 0 }]);
    return [`one\n${"x".repeat(64)}${"?".repeat(137)}two\n`];
  },
  { settings: { max_line_bytes: 64 } },
);

tailCase(
  25,
  "a line over the limit and over all that is read at once, written in three parts, and a restart within it",
  async (tail) => {
    const part = "x".repeat(1_500_000);
    await writeFile(tail.path("a.log"), `one\n${part}`);
    await tail.poll();
    tail.acknowledge();
    await tail.restart();
    await appendFile(tail.path("a.log"), part);
    await tail.poll();
    await appendFile(tail.path("a.log"), `${part}\ntwo\n`);
    await tail.poll();
    expect(gaps(tail)).toEqual([{ from: 68, reason: "too-long", lines: 0 }]);
    return [`one\n${"x".repeat(64)}${"?".repeat(3 * part.length + 1 - 64)}two\n`];
  },
  { settings: { max_line_bytes: 64 } },
);

tailCase(26, "CRLF stays as it is", async (tail) => {
  await writeFile(tail.path("a.log"), "one\r\n\r\ntwo\r\n");
  await tail.poll();
  expect(texts(tail)).toEqual(["one\r", "\r", "two\r"]);
  return ["one\r\n\r\ntwo\r\n"];
});

for (const isDown of [false, true]) {
  tailCase(26, `the hole that copytruncate leaves${isDown ? ", while down" : ""}`, async (tail) => {
    const writer = await open(tail.path("a.log"), "w");
    await writer.write("one\n");
    await tail.poll();
    tail.acknowledge();
    const cutUnderWriter = async (): Promise<void> => {
      await writer.write(`${"lost ".repeat(40)}\n`);
      await truncate(tail.path("a.log"));
      await writer.write("two\n");
    };
    if (isDown) await tail.restart(cutUnderWriter);
    else await cutUnderWriter();
    await tail.poll();
    await writer.close();
    const [, two] = tail.events;
    expect(two?.position.gap).toEqual({ from: 4, reason: "unreadable", lines: 0 });
    return [`one\n${"?".repeat(201)}two\n`];
  });
}

tailCase(27, "bytes that are no UTF-8, and a byte order mark", async (tail) => {
  const content = Buffer.from("\xef\xbb\xbfone\n\xff\xfe\x80 two\n", "latin1");
  await writeFile(tail.path("a.log"), content);
  await tail.poll();
  return [content.toString("latin1")];
});

tailCase(27, "UTF-16 that is not configured is told of and not cut at its half characters", async (tail) => {
  await writeFile(tail.path("a.log"), Buffer.from("\ufeffone\ntwo\n", "utf16le"));
  await writeFile(tail.path("b.log"), "one\n");
  await tail.poll();
  await tail.poll();
  const error = expect.stringContaining('encoding = "utf-16le"');
  expect(tail.files.map(reportFile)).toMatchObject([{ state: "error", read: 0, error }, { state: "active" }]);
  return ["one\n"];
});

const STACKS = { settings: { multi_line: { start: "^\\d", idle_ms: 2_000 } } };

tailCase(
  28,
  "an event of several lines that is open across a rotation",
  async (tail) => {
    const writer = await open(tail.path("a.log"), "a");
    await writer.write("1 failed\n  at a\n");
    await tail.poll();
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await writeFile(tail.path("a.log"), "3 new\n4 fine\n");
    await writer.write("  at b\n2 fine\n");
    await writer.close();
    await tail.poll();
    expect(texts(tail)).toEqual(["1 failed\n  at a\n  at b", "3 new"]);
    tail.pass(2_000);
    await tail.poll();
    expect(texts(tail).slice(2)).toEqual(["2 fine", "4 fine"]);
    return ["1 failed\n  at a\n  at b\n2 fine\n", "3 new\n4 fine\n"];
  },
  STACKS,
);

tailCase(
  28,
  "an event of several lines that is open across a crash",
  async (tail) => {
    await writeFile(tail.path("a.log"), "1 fine\n2 failed\n  at a\n");
    await tail.poll();
    tail.acknowledge();
    await tail.crash(() => appendFile(tail.path("a.log"), "  at b\n3 fine\n"));
    await tail.poll();
    expect(texts(tail)).toEqual(["1 fine", "1 fine", "2 failed\n  at a\n  at b"]);
    return ["1 fine\n2 failed\n  at a\n  at b\n"];
  },
  { ...STACKS, mayRepeat: true },
);

tailCase(
  28,
  "an event that ended by its time stays what it was after a crash, though its lines went on",
  async (tail) => {
    await writeFile(tail.path("a.log"), "1 failed\n  at a\n");
    await tail.poll();
    tail.pass(2_000);
    await tail.poll();
    expect(texts(tail)).toEqual(["1 failed\n  at a"]);
    await tail.crash(() => appendFile(tail.path("a.log"), "  at b\n2 fine\n"));
    await tail.drain();
    expect(texts(tail).slice(1)).toEqual(["1 failed\n  at a", "  at b", "2 fine"]);
    return ["1 failed\n  at a\n  at b\n2 fine\n"];
  },
  { ...STACKS, mayRepeat: true },
);

tailCase(
  28,
  "an event over the limit ends before the line that would exceed it",
  async (tail) => {
    const part = `  ${"x".repeat(27)}\n`;
    await writeFile(tail.path("a.log"), `1\n${part.repeat(5)}2\n`);
    await tail.drain();
    expect(texts(tail)).toEqual(
      [`1\n${part}${part}`, `${part}${part}`, part, "2\n"].map((s) => s.slice(0, -1)),
    );
    return [`1\n${part.repeat(5)}2\n`];
  },
  { settings: { multi_line: { continuation: "^ " }, max_line_bytes: 64 } },
);
