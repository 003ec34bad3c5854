import { writeFile } from "node:fs/promises";
import { type Logger, pino } from "pino";
import { expect, test } from "vitest";
import type { FollowedFile } from "../../agent/tail/files/followed-file.ts";
import { FollowedFiles } from "../../agent/tail/files/followed-files.ts";
import { OpenFileLimit } from "../../agent/tail/discovery/open-file-limit.ts";
import { TailHarness } from "./tail-harness.ts";

const FILES = 40;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The limit of a tail's files under a clock that moves by hand. */
class Limited {
  readonly #files: readonly FollowedFile[];
  readonly #limit: OpenFileLimit;
  #nowMs = 0;

  constructor(files: readonly FollowedFile[], log: Logger) {
    this.#files = files;
    const followed = new FollowedFiles();
    for (const file of files) followed.add(file);
    this.#limit = new OpenFileLimit(followed, { maxOpenFiles: FILES, log, now: () => this.#nowMs });
  }

  /** @returns how many are open when all would be read after this time */
  async openAfter(ms: number): Promise<number> {
    this.#nowMs += ms;
    for (const { place, isOpen } of this.#files) {
      if (!isOpen && (await this.#limit.makeRoom())) await place.opened();
    }
    return this.#files.filter(({ isOpen }) => isOpen).length;
  }

  async refuse(): Promise<void> {
    await this.#limit.openFewer();
  }
}

async function withFiles(): Promise<TailHarness> {
  const tail = await TailHarness.make();
  for (let i = 0; i < FILES; i++) await writeFile(tail.path(`${i}.log`), "one\n");
  await tail.poll();
  return tail;
}

test("while the system refuses files fewer are kept open, and after a while as many as before", async () => {
  await using tail = await withFiles();
  const said: object[] = [];
  const log = pino(
    { level: "info" },
    { write: (line: string) => void said.push(JSON.parse(line) as object) },
  );
  const limited = new Limited(tail.files, log);
  await limited.refuse();
  expect(await limited.openAfter(MINUTE_MS)).toBeLessThanOrEqual((FILES * 3) / 4);
  for (let i = 0; i < 10; i++) {
    await limited.refuse();
    await limited.openAfter(MINUTE_MS);
  }
  const warnings = said.length;
  expect(await limited.openAfter(MINUTE_MS)).toBeLessThan(FILES / 4);
  for (let i = 0; i < 100; i++) await limited.openAfter(MINUTE_MS);
  expect(await limited.openAfter(0)).toBe(FILES);
  expect(said.slice(warnings)).toMatchObject([{ level: 30, maxOpenFiles: FILES }]);
});

test("one refusal a month leaves no fewer open after a year than after the first", async () => {
  await using tail = await withFiles();
  const limited = new Limited(tail.files, pino({ level: "silent" }));
  for (let month = 0; month < 12; month++) {
    await limited.refuse();
    expect(await limited.openAfter(30 * DAY_MS)).toBe(FILES);
  }
});
