import { readdirSync, readlinkSync } from "node:fs";
import { appendFile, copyFile, mkdir, rename, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { Copies } from "../../agent/tail/files/copies.ts";
import { FileRule } from "../../agent/tail/files/file-rule.ts";
import { Tail } from "../../agent/tail/tail.ts";
import { NO_STATE, type TailState } from "../../agent/tail/files/tail-state.ts";
import { ROTATED_IDLE_MS, TailHarness } from "./tail-harness.ts";

const HOUR_MS = 3_600_000;
const LONG_AGO_S = 1e9;

test("of more than a thousand copies, those that are there are known", async () => {
  await using tail = await TailHarness.make({ glob: "a.log*" });
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await copyFile(tail.path("a.log"), tail.path("a.log.1"));
  await truncate(tail.path("a.log"));
  await tail.poll();
  tail.acknowledge();
  const gone = Array.from({ length: 1_000 }, (_, ino) => {
    return { file: { dev: "1", ino: `${ino}`, birthtimeNs: "1" }, size: 1, of: "gone" };
  });
  await tail.restart(
    async () => {},
    (state) => ({ ...state, copies: [...state.copies, ...gone] }),
  );
  await tail.poll();
  expect(tail.state.copies.map(({ of }) => of)).toEqual([tail.events[0]!.position.source.id]);
  expect(tail.contents()).toEqual(["one\n"]);
});

test("copies that are there are as many as there are, and looked through when they may be half gone", () => {
  const files = Array.from({ length: 3_000 }, (_, ino) => ({ dev: "1", ino: `${ino}`, birthtimeNs: "1" }));
  const copies = new Copies(files.map((file) => ({ file, size: 1, of: "source" })));
  expect(copies.areMany).toBe(true);
  copies.keep(files.slice(0, 1_500));
  expect(copies.all).toHaveLength(1_500);
  expect(copies.areMany).toBe(false);
});

test("a deleted file that cannot be read is let go after an hour", async () => {
  await using tail = await TailHarness.make();
  const utf16 = Buffer.from("\u{feff}line\n", "utf16le");
  await writeFile(tail.path("a.log"), utf16);
  await tail.poll();
  await rm(tail.path("a.log"));
  await tail.poll();
  tail.pass(HOUR_MS - 10_000);
  await tail.poll();
  expect(openBelow(tail.directory)).toHaveLength(1);
  tail.pass(10_000);
  await tail.poll();
  expect(openBelow(tail.directory)).toEqual([]);
  expect(tail.files[0]).toMatchObject({ phase: "lost", read: 0 });
  expect(tail.files[0]!.error).toMatch(/^deleted, and unreadable for an hour: begins like UTF-16/);
});

test("an empty file that has ended is not left open", async () => {
  await using tail = await TailHarness.make({ glob: "*/app.log" });
  await mkdir(tail.path("old"));
  await writeFile(tail.path("old/app.log"), "");
  await utimes(tail.path("old/app.log"), LONG_AGO_S, LONG_AGO_S);
  await tail.poll();
  await rename(tail.path("old/app.log"), tail.path("old/app.log.1"));
  for (const ms of [0, ROTATED_IDLE_MS, 0]) {
    tail.pass(ms);
    await tail.poll();
  }
  expect(tail.files.map(({ phase }) => phase)).toEqual(["ended"]);
  await mkdir(tail.path("new"));
  await writeFile(tail.path("new/app.log"), "one\n");
  await tail.poll();
  expect(openBelow(tail.directory)).toEqual([tail.path("new/app.log")]);
});

test("what is on a disk that comes late is read on when it comes, what was rotated too", async () => {
  await using tail = await TailHarness.make({ glob: "d/*.log" });
  await mkdir(tail.path("d"));
  await writeFile(tail.path("d/a.log"), "one\n");
  await tail.poll();
  await rename(tail.path("d/a.log"), tail.path("d/a.log.1"));
  await writeFile(tail.path("d/a.log"), "new\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await appendFile(tail.path("d/a.log.1"), "late\n");
    await appendFile(tail.path("d/a.log"), "more\n");
    await rename(tail.path("d"), tail.path("unmounted"));
    await mkdir(tail.path("d"));
  });
  await tail.poll();
  expect(tail.files.map(({ phase }) => phase)).toEqual(["lost", "lost"]);
  await rm(tail.path("d"), { recursive: true });
  await rename(tail.path("unmounted"), tail.path("d"));
  tail.pass(30_000);
  await tail.poll();
  expect(tail.contents()).toEqual(["one\nlate\n", "new\nmore\n"]);
  expect(tail.files.map(({ error }) => error)).toEqual([undefined, undefined]);
});

test("of two entries with one tag, a file stays with its own across a restart", async () => {
  await using tail = await ConfiguredTail.make();
  for (const name of ["a", "b"]) await mkdir(tail.path(name));
  const entries = [
    { tag: "app", path: tail.path("a/*.log") },
    {
      tag: "app",
      path: tail.path("b/*.log"),
      mask: [{ pattern: "password=\\S+", with: "password=***" }],
    },
  ];
  await writeFile(tail.path("b/x.log"), "password=one\n");
  await tail.poll(entries);
  await appendFile(tail.path("b/x.log"), "password=two\n");
  await tail.poll(entries);
  expect(tail.sent.join("")).toBe("password=***password=***");
});

test("what was rotated before its entry had another tag is read under that", async () => {
  await using tail = await ConfiguredTail.make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll([{ tag: "old", path: tail.path("a.log") }]);
  await appendFile(tail.path("a.log"), "two\n");
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await writeFile(tail.path("a.log"), "new\n");
  await tail.poll([{ tag: "new", path: tail.path("a.log") }]);
  expect(tail.sent.sort()).toEqual(["new", "one", "two"]);
  expect(tail.state.files.map(({ record }) => record.tag)).toEqual(["new", "new"]);
});

test("what is left of entries that are no more is forgotten when their files are gone", async () => {
  await using tail = await ConfiguredTail.make();
  for (const pod of ["one", "two", "three"]) {
    await mkdir(tail.path(pod));
    await writeFile(tail.path(`${pod}/app.log`), `${pod}\n`);
    await tail.poll([{ tag: pod, path: tail.path(`${pod}/*.log`) }]);
    if (pod !== "two") await rm(tail.path(pod), { recursive: true });
    tail.nowMs += 25 * HOUR_MS;
    await tail.poll([{ tag: "other", path: tail.path("*.log") }]);
    tail.nowMs += 25 * HOUR_MS;
  }
  await tail.poll([{ tag: "other", path: tail.path("*.log") }]);
  expect(tail.state.files.map(({ record }) => record.tag)).toEqual(["two"]);
});

/** A tail that is made anew, with other settings, for each look. */
class ConfiguredTail implements AsyncDisposable {
  readonly sent: string[] = [];
  nowMs = 1_000;
  state: TailState = NO_STATE;
  readonly #files: TailHarness;

  static async make(): Promise<ConfiguredTail> {
    return new ConfiguredTail(await TailHarness.make());
  }

  private constructor(files: TailHarness) {
    this.#files = files;
  }

  path(name: string): string {
    return this.#files.path(name);
  }

  async poll(files: readonly object[]): Promise<void> {
    const rules = agentConfigSchema.parse({ stream: "test", files }).files.map((file) => new FileRule(file));
    const tail = new Tail(
      {
        host: "test-host",
        rules,
        pollMs: 1_000,
        idlePollMs: 0,
        watchedPollMs: 0,
        scanMs: 0,
        rotatedIdleMs: ROTATED_IDLE_MS,
        partialLineMs: 0,
        maxOpenFiles: 100,
        log: pino({ level: "silent" }),
        now: () => this.nowMs,
        remember: async () => {},
      },
      this.state,
    );
    for (let looks = 0; looks < 2; looks++) {
      for await (const { runs } of tail.poll(new AbortController().signal)) {
        for (const { origin: file, bytes, run } of runs) {
          this.sent.push(bytes.toString("utf8", run.start, run.end));
          file.delivery.expect({ offset: file.read, standing: "line", gap: undefined })();
        }
      }
    }
    this.state = JSON.parse(JSON.stringify(tail.state)) as TailState;
    await tail.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }
}

/** Files of a directory that this process has open. */
function openBelow(directory: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(`${directory}/`) ? [path] : [];
    } catch {
      return [];
    }
  });
}
