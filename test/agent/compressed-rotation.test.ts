import { execFile } from "node:child_process";
import {
  appendFile,
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { promisify } from "node:util";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { pino } from "pino";
import { expect, test } from "vitest";
import { reportFile } from "../../agent/progress/heartbeats.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { delivered, expectNoRepeats } from "./cases/tail-case.ts";
import { TailHarness } from "./tail-harness.ts";

/** More than is kept of what was unpacked, and than goes into one read. */
const MANY_LINES = lines(200_000, "a line of some length, whose number is");

type Compress = (bytes: Buffer) => Buffer;
const formats: readonly { readonly ending: string; readonly compress: Compress }[] = [
  { ending: ".gz", compress: (bytes) => gzipSync(bytes) },
  { ending: ".zst", compress: (bytes) => zstdCompressSync(bytes) },
];

async function compressTo(path: string, from: string, compress: Compress): Promise<void> {
  await writeFile(path, compress(await readFile(from)));
  await rm(from);
}

async function pollTwice(tail: TailHarness): Promise<void> {
  await tail.poll();
  await tail.poll();
}

for (const { ending, compress } of formats) {
  for (const [name, to] of [
    ["beside it", "a.log.1"],
    ["under a date", "a.log-20261126"],
    ["in another directory", "old/a.log.1"],
    ["under its own name", "a.log"],
  ] as const) {
    test(`a file that was renamed and compressed ${name} while the agent was down is read on: ${ending}`, async () => {
      await using tail = await TailHarness.make();
      await mkdir(tail.path("old"));
      await writeFile(tail.path("a.log"), "one\nha");
      await tail.poll();
      tail.acknowledge();
      await tail.restart(async () => {
        await appendFile(tail.path("a.log"), "lf\ntwo\nlast");
        await compressTo(tail.path(`${to}${ending}`), tail.path("a.log"), compress);
        await writeFile(tail.path("a.log"), "next\n");
      });
      await pollTwice(tail);
      expectNoRepeats(tail);
      expect(delivered(tail)).toEqual(["next\n", "one\nhalf\ntwo\nlast"]);
    });

    for (const isDown of [false, true]) {
      const when = isDown ? " while the agent was down" : " between two looks";
      test(`a file that was copied, compressed ${name} and truncated${when} is read on: ${ending}`, async () => {
        await using tail = await TailHarness.make();
        await mkdir(tail.path("old"));
        await writeFile(tail.path("a.log"), "one\n");
        await tail.poll();
        tail.acknowledge();
        const rotate = async (): Promise<void> => {
          await appendFile(tail.path("a.log"), "two\nthree\n");
          await copyFile(tail.path("a.log"), tail.path("copy"));
          await truncate(tail.path("a.log"));
          await compressTo(tail.path(`${to}${ending}`), tail.path("copy"), compress);
          await appendFile(tail.path("a.log"), "next\n");
        };
        if (isDown) await tail.restart(rotate);
        else await rotate();
        await pollTwice(tail);
        expectNoRepeats(tail);
        expect(delivered(tail)).toEqual(["next\n", "one\ntwo\nthree\n"]);
      });
    }
  }

  test(`a long file goes on from the offset that was reached, through a restart within it: ${ending}`, async () => {
    await using tail = await TailHarness.make({ settings: { bytes_per_second: 3_000_000 } });
    const half = MANY_LINES.slice(0, MANY_LINES.indexOf("\n", 4_000_000) + 1);
    await writeFile(tail.path("a.log"), half);
    for (let i = 0; i < 4; i++) await tail.poll();
    tail.acknowledge();
    await tail.restart(async () => {
      await writeFile(tail.path("a.log"), MANY_LINES.slice(half.length), { flag: "a" });
      await compressTo(tail.path(`a.log.1${ending}`), tail.path("a.log"), compress);
      await writeFile(tail.path("a.log"), "next\n");
    });
    await pollTwice(tail);
    tail.acknowledge();
    await tail.restart(() => rename(tail.path(`a.log.1${ending}`), tail.path(`a.log.2${ending}`)));
    await tail.drain();
    expectNoRepeats(tail);
    expect(delivered(tail)).toEqual([MANY_LINES, "next\n"]);
  });

  test(`what is damaged is read as far as it goes, and the rest is told of: ${ending}`, async () => {
    await using tail = await TailHarness.make();
    const text = lines(100_000);
    await writeFile(tail.path("a.log"), text.slice(0, 90));
    await tail.poll();
    tail.acknowledge();
    await tail.restart(async () => {
      const packed = compress(Buffer.from(text));
      await rm(tail.path("a.log"));
      await writeFile(tail.path(`a.log.1${ending}`), packed.subarray(0, packed.length * 0.8));
      await rest(tail.path(`a.log.1${ending}`));
    });
    await tail.drain();
    tail.acknowledge();
    const [came = ""] = delivered(tail);
    expect(came.length).toBeGreaterThan(text.length / 4);
    expect(text.startsWith(came)).toBe(true);
    expect(tail.files.map(reportFile)).toMatchObject([
      { state: "error", finalSize: null, error: expect.stringContaining("unexpected end of file") },
    ]);
  });

  test(`an archive of another file that begins alike is left alone: ${ending}`, async () => {
    await using tail = await TailHarness.make();
    const header = "# the same header in every file\n".repeat(64);
    await writeFile(tail.path("a.log"), `${header}one\n`);
    await tail.poll();
    tail.acknowledge();
    await tail.restart(async () => {
      await rm(tail.path("a.log"));
      await writeFile(tail.path(`a.log.1${ending}`), compress(Buffer.from(`${header}two\nthree\n`)));
    });
    await tail.drain();
    expect(delivered(tail)).toEqual([`${header}one\n`]);
    expect(tail.files.map(reportFile)).toMatchObject([
      { state: "error", error: expect.stringContaining("is unknown") },
    ]);
  });

  test(`an archive that is still being written is waited for: ${ending}`, async () => {
    await using tail = await TailHarness.make();
    const text = lines(50_000);
    await writeFile(tail.path("a.log"), text.slice(0, 90));
    await tail.poll();
    tail.acknowledge();
    const packed = compress(Buffer.from(text));
    await tail.restart(async () => {
      await rm(tail.path("a.log"));
      await writeFile(tail.path(`a.log.1${ending}`), packed.subarray(0, packed.length / 2));
    });
    await pollTwice(tail);
    await writeFile(tail.path(`a.log.1${ending}`), packed.subarray(packed.length / 2), { flag: "a" });
    await pollTwice(tail);
    expectNoRepeats(tail);
    expect(delivered(tail)).toEqual([text]);
  });
}

/** It was not changed for longer than is waited for. */
async function rest(path: string): Promise<void> {
  const aWhileAgo = new Date(Date.now() - 11_000);
  await utimes(path, aWhileAgo, aWhileAgo);
}

test("less than a first line is not known again in an archive", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "line");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await rm(tail.path("a.log"));
    await writeFile(tail.path("a.log.1.gz"), gzipSync("line one\nline two\n"));
  });
  await tail.drain();
  expect(delivered(tail)).toEqual([]);
  expect(tail.files.map(reportFile)).toMatchObject([{ state: "error" }]);
});

test("every frame of a zstd file is read, and every member of a gzip file", async () => {
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
  for (const { ending, compress } of formats) {
    await using tail = await TailHarness.make();
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    tail.acknowledge();
    await tail.restart(async () => {
      await rm(tail.path("a.log"));
      const parts = ["one\n", "two\n", "three\n"].map((text) => compress(Buffer.from(text)));
      const packed = Buffer.concat(ending === ".zst" ? [skippable, ...parts, skippable] : parts);
      await writeFile(tail.path(`a.log.1${ending}`), packed);
    });
    await pollTwice(tail);
    expect(delivered(tail)).toEqual(["one\ntwo\nthree\n"]);
  }
});

test("a zstd file that takes too much memory to unpack is told of", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await rm(tail.path("a.log"));
    const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 };
    // A short one would be given a small window.
    const text = `one\n${"x".repeat(100)}\n`.repeat(400_000);
    await writeFile(tail.path("a.log.1.zst"), zstdCompressSync(text, { params }));
    await rest(tail.path("a.log.1.zst"));
  });
  await tail.drain();
  expect(delivered(tail)).toEqual(["one\n"]);
  expect(tail.files.map(reportFile)).toMatchObject([
    { state: "error", error: expect.stringMatching(/a\.log\.1\.zst cannot be read: .*memory/) },
  ]);
});

test("many that were compressed while the agent was down are read, one after the other", async () => {
  await using tail = await TailHarness.make();
  const names = Array.from({ length: 30 }, (_, i) => `${i}.log`);
  for (const name of names) await writeFile(tail.path(name), `${name}\n`);
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    for (const name of names) {
      await appendFile(tail.path(name), "more\n");
      await rename(tail.path(name), tail.path(`${name}.1`));
      await compressTo(tail.path(`${name}.1.gz`), tail.path(`${name}.1`), gzipSync);
    }
  });
  await tail.drain();
  expectNoRepeats(tail);
  expect(delivered(tail)).toEqual(names.map((name) => `${name}\nmore\n`).sort());
});

test("what gzip itself makes of a rotated file while a process is down is read on, and told", async () => {
  await using agent = await AgentFixture.make();
  const told: { msg: string; location?: string }[] = [];
  const log = pino({}, { write: (line: string) => void told.push(JSON.parse(line) as { msg: string }) });
  await writeFile(agent.path("a.log"), "one\n");
  await agent.drain();
  await appendFile(agent.path("a.log"), "two\n");
  await rename(agent.path("a.log"), agent.path("a.log.1"));
  await promisify(execFile)("gzip", [agent.path("a.log.1")]);
  await agent.drain({}, log);
  const ids = new Set(agent.events.map(({ position }) => position.source.id));
  expect([agent.events.map(({ text }) => text), ids.size]).toEqual([["one", "two"], 1]);
  expect(told).toContainEqual(
    expect.objectContaining({ msg: "goes on in what was compressed", location: agent.path("a.log.1.gz") }),
  );
});

test("what was truncated unread, and is nowhere, is a gap up to the size that was seen", async () => {
  await using tail = await TailHarness.make({ settings: { bytes_per_second: 100 } });
  await writeFile(tail.path("a.log"), lines(100));
  await tail.poll();
  await truncate(tail.path("a.log"));
  await tail.poll();
  tail.acknowledge();
  const [before] = tail.files.map(reportFile);
  const size = lines(100).length;
  const { length } = delivered(tail)[0]!;
  expect(length).toBeLessThan(size);
  expect(before).toMatchObject({
    state: "ended",
    size,
    read: size,
    finalSize: size,
    gap: { from: length, reason: "unreadable" },
  });
});

test("of a gzip file that is damaged within, the rest is a gap of the size that its end tells", async () => {
  await using tail = await TailHarness.make();
  const text = lines(100_000);
  await writeFile(tail.path("a.log"), text.slice(0, 90));
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    const packed = gzipSync(text);
    packed.fill(0xff, packed.length >> 1, (packed.length >> 1) + 20);
    await rm(tail.path("a.log"));
    await writeFile(tail.path("a.log.1.gz"), packed);
    await rest(tail.path("a.log.1.gz"));
  });
  await tail.drain();
  tail.acknowledge();
  const [came = ""] = delivered(tail);
  // Some of what comes after the damage is unpacked before it is noticed.
  expect(came.slice(0, 90)).toBe(text.slice(0, 90));
  expect(came.length).toBeLessThan(text.length);
  const gap = { from: came.length, reason: "unreadable" };
  expect(tail.files.map(reportFile)).toMatchObject([{ state: "ended", finalSize: text.length, gap }]);
});

test("what came and was compressed while no agent ran is told of, and what is known is not", async () => {
  await using agent = await AgentFixture.make();
  const told: { msg: string; path?: string }[] = [];
  const log = pino({}, { write: (line: string) => void told.push(JSON.parse(line) as { msg: string }) });
  await writeFile(agent.path("a.log"), "one\n");
  await agent.drain();
  await compressTo(agent.path("a.log.2.gz"), agent.path("a.log"), gzipSync);
  await writeFile(agent.path("a.log"), "two\n");
  await compressTo(agent.path("a.log.1.gz"), agent.path("a.log"), gzipSync);
  await writeFile(agent.path("a.log"), "three\n");
  await agent.drain({}, log);
  await agent.drain({}, log);
  const unknown = told.filter(({ msg }) => msg.includes("while no agent ran"));
  expect(unknown.map(({ path }) => path)).toEqual([agent.path("a.log.1.gz")]);
  expect(agent.events.map(({ text }) => text)).toEqual(["one", "three"]);
});
