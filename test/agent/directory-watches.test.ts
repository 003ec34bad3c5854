import { EventEmitter } from "node:events";
import type * as Fs from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { DirectoryWatches } from "../../agent/tail/discovery/directory-watches.ts";

const DIRECTORIES = 20;
const LOOK_EVERY_MS = 10_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What looking at a directory, and watching it, fails with, as far as it does. */
const faults = vi.hoisted(() => ({
  stat: (_directory: string): string | undefined => undefined,
  watch: (_directory: string): string | undefined => undefined,
}));

vi.mock("node:fs", async (original) => {
  const real = await original<typeof Fs>();
  const watch = (directory: string): object => {
    failWith(faults.watch(directory));
    return Object.assign(new EventEmitter(), { close: () => {} });
  };
  const statSync = (directory: string, options?: Fs.StatSyncOptions): unknown => {
    failWith(faults.stat(directory));
    return real.statSync(directory, options);
  };
  return { ...real, statSync, watch };
});
vi.mock("../../agent/tail/disk/file-system.ts", () => ({ isLocal: () => true }));

function failWith(code: string | undefined): void {
  if (code !== undefined) throw Object.assign(new Error(`${code}: told by the system`), { code });
}

let base: string;
let directories: Set<string>;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "weir-watches-"));
  directories = new Set(Array.from({ length: DIRECTORIES }, (_, i) => join(base, `${i}`)));
  for (const directory of directories) await mkdir(directory);
});
afterAll(() => rm(base, { recursive: true }));
beforeEach(() => void Object.assign(faults, { stat: () => undefined, watch: () => undefined }));

/** Watches under a clock that moves by hand, and what they say of themselves. */
class Watching {
  readonly said: { directory?: string; directories?: number; msg: string }[] = [];
  #nowMs = 0;
  readonly #watches = new DirectoryWatches({
    onChange: () => {},
    isNeeded: () => true,
    log: pino({ level: "warn" }, { write: (line: string) => void this.said.push(JSON.parse(line)) }),
    now: () => this.#nowMs,
  });

  /** As one search after the other does. */
  follow(forMs: number, followed: ReadonlySet<string> = directories): void {
    for (const endMs = this.#nowMs + forMs; this.#nowMs < endMs; this.#nowMs += LOOK_EVERY_MS) {
      this.#watches.follow(followed);
    }
  }

  get reasons(): (string | undefined)[] {
    return [...new Set(Array.from(directories, (directory) => this.#watches.whyPolled(directory)))];
  }
}

test.each([
  ["ENOSPC", "fs.inotify.max_user_watches is reached"],
  ["EMFILE", "fs.inotify.max_user_instances is reached, or no more files can be open"],
])("%s, a limit of the system, is told once with the number of directories", (code, reason) => {
  const watching = new Watching();
  faults.watch = () => code;
  watching.follow(HOUR_MS);
  const told = { directories: DIRECTORIES, msg: `not watched, and looked at more often instead: ${reason}` };
  expect(watching.said).toMatchObject([told]);
  expect(watching.reasons).toEqual([reason]);
});

test("a limit is told again once it was not reached in between", async () => {
  const watching = new Watching();
  const [one] = directories;
  faults.watch = (directory) => (directory === one ? "ENOSPC" : undefined);
  watching.follow(HOUR_MS);
  expect(watching.said).toMatchObject([{ directories: 1 }]);
  faults.watch = () => undefined;
  watching.follow(2 * MINUTE_MS);
  expect([watching.said.length, watching.reasons]).toEqual([1, [undefined]]);
  const late = join(base, "late");
  await mkdir(late);
  faults.watch = () => "ENOSPC";
  watching.follow(HOUR_MS, new Set([...directories, late]));
  expect(watching.said).toMatchObject([{ directories: 1 }, { directories: 1 }]);
});

test("why one directory cannot be watched is told when that changes, not whenever it is tried", () => {
  const watching = new Watching();
  const [one] = directories;
  for (const code of ["EACCES", "EIO"]) {
    faults.watch = (directory) => (directory === one ? code : undefined);
    watching.follow(HOUR_MS);
  }
  const told = (code: string) => {
    const msg = `not watched, and looked at more often instead: ${code}: told by the system`;
    return { directory: one, msg };
  };
  expect(watching.said).toMatchObject([told("EACCES"), told("EIO")]);
});

test.each(["EACCES", "EIO", "ESTALE", "ENOTCONN"])(
  "a directory that answers %s is looked at more often, and watched once it can be",
  (code) => {
    const watching = new Watching();
    const [one] = directories;
    watching.follow(MINUTE_MS);
    faults.stat = (directory) => (directory === one ? code : undefined);
    watching.follow(MINUTE_MS);
    const reason = `${code}: told by the system`;
    expect([watching.reasons, watching.said]).toMatchObject([[reason, undefined], [{ directory: one }]]);
    faults.stat = () => undefined;
    watching.follow(2 * MINUTE_MS);
    expect(watching.reasons).toEqual([undefined]);
  },
);
