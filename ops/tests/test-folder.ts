import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { ConfigError, parseWith } from "../../wire/config.ts";
import { AccessError } from "../access/access-error.ts";

/** A file of lines, and the one that says what becomes of them. */
export interface TestFile {
  readonly type: string;
  /** Path within the folder, with `/`. */
  readonly name: string;
  readonly file: string;
  readonly expected: string;
}

export interface TestFolder {
  readonly tests: readonly TestFile[];
  /** Files of expectations without their lines, and what else is no test. */
  readonly problems: readonly string[];
}

const EXPECTED = ".expected.jsonl";

/** What the lines of all tests have besides their text, so that a test says the same on any day and machine. */
const settingsSchema = z.strictObject({
  arrivedAt: z.iso.datetime({ offset: true }).default("2026-01-01T00:00:00Z"),
  host: z.string().min(1).max(255).default("host"),
  labels: z.record(z.string(), z.string()).optional(),
  /** Patterns of lines that begin an event, by log type. */
  start: z.record(z.string(), z.string()).default({}),
});

export type TestSettings = z.output<typeof settingsSchema>;

export const settingsFile = (folder: string): string => join(folder, "settings.json");

/** @returns undefined if there are none @throws ConfigError */
export async function readSettings(folder: string): Promise<TestSettings | undefined> {
  const file = settingsFile(folder);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConfigError(file, [(error as Error).message]);
  }
  return parseWith(settingsSchema, value, file);
}

export const DEFAULT_SETTINGS: TestSettings = settingsSchema.parse({});

/** `x.log`, `x.log.gz` and `x` have their expectations in `x.expected.jsonl`. */
const stemOf = (name: string): string => name.replace(/\.(?:gz|zst)$/, "").replace(/(?<=.)\.[^.]+$/, "");

/** @throws AccessError BAD_REQUEST for a folder that cannot be read */
export async function findTests(folder: string): Promise<TestFolder> {
  const [tests, problems]: [TestFile[], string[]] = [[], []];
  for (const { name: type, isFolder } of await entriesOf(folder)) {
    if (!isFolder) continue;
    const entries = await entriesOf(join(folder, type));
    const names = new Set(entries.map(({ name }) => name));
    const stems = new Map<string, string>();
    for (const { name, isFolder } of entries) {
      const at = `${type}/${name}`;
      if (isFolder) problems.push(`${at}: a folder in the folder of a type: its files are not run`);
      if (isFolder || name.endsWith(EXPECTED)) continue;
      const stem = stemOf(name);
      const other = stems.get(stem);
      if (other !== undefined) {
        problems.push(`${at}: ${type}/${stem}${EXPECTED} is that of ${type}/${other}: give it another name`);
        continue;
      }
      stems.set(stem, name);
      const [file, expected] = [name, `${stem}${EXPECTED}`].map((name) => join(folder, type, name));
      tests.push({ type, name: at, file: file!, expected: expected! });
    }
    for (const name of names) {
      if (name.endsWith(EXPECTED) && !stems.has(name.slice(0, -EXPECTED.length)))
        problems.push(`${type}/${name}: there are no lines to it`);
    }
  }
  return { tests, problems };
}

async function entriesOf(folder: string): Promise<{ readonly name: string; readonly isFolder: boolean }[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter(({ name }) => !name.startsWith("."))
      .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    const hint = "weir test FOLDER takes a folder with one for each log type: docs/testing-types.md.";
    throw new AccessError("BAD_REQUEST", `${folder} cannot be read: ${(cause as Error).message}`, hint, {
      cause,
    });
  }
}
