import { readFile, writeFile } from "node:fs/promises";
import { LogTypes } from "../../lambdas/router/log-types.ts";
import { closest } from "../../wire/closest.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { AccessError } from "../access/access-error.ts";
import type { Outcome } from "../access/place-command.ts";
import { counted } from "../access/figures.ts";
import { patternOf } from "../peek/event-filter.ts";
import { visibleBytes } from "../peek/visible-text.ts";
import { EventJoiner } from "../try/event-joiner.ts";
import { LineTrial } from "../try/line-trial.ts";
import { type FileLine, readLines } from "../try/read-lines.ts";
import type { TestArguments } from "./command.ts";
import {
  difference,
  type Expectation,
  expectationOf,
  expectationsText,
  parseExpectations,
} from "./expectation.ts";
import { junitXml, type TestResult } from "./junit.ts";
import {
  DEFAULT_SETTINGS,
  findTests,
  readSettings,
  settingsFile,
  type TestFile,
  type TestSettings,
} from "./test-folder.ts";

/** Lines of tests are read by people. */
const MAX_EVENTS = 100_000;
const SHOWN_EVENTS = 10;
const SHOWN_LINE_BYTES = 200;

/** An event of a test, and what became of it. */
interface TriedEvent {
  readonly event: FileLine;
  readonly became: Expectation;
  /** Why it has no row. */
  readonly why: string;
}

/** @throws AccessError, ConfigError */
export async function runTests(
  folder: string,
  { config: file, update, allTypes, junit }: TestArguments,
  loadConfig: (file: string) => Promise<WeirConfig>,
): Promise<Outcome> {
  const config = await loadConfig(file);
  const { tests, problems } = await findTests(folder);
  const settings = (await readSettings(folder)) ?? (update ? await newSettings(folder) : DEFAULT_SETTINGS);
  const told = [...problems];
  if (tests.length === 0)
    told.push(`${folder} has no tests: put lines into ${folder}/TYPE/NAME.log, and run weir test --update`);
  if (allTypes) {
    const without = config.types.filter(({ name }) => !tests.some(({ type }) => type === name));
    told.push(...without.map(({ name }) => `${name}: a log type without a test`));
  }
  const results: TestResult[] = [];
  const lines: string[] = [];
  for (const test of tests) {
    const startedAt = performance.now();
    const { failure, text } = await runTest(test, config, settings, update);
    results.push({
      type: test.type,
      name: test.name,
      seconds: (performance.now() - startedAt) / 1_000,
      failure,
    });
    lines.push(failure ? failureText(test.name, failure) : `ok   ${test.name}: ${text}`);
  }
  const failed = results.filter(({ failure }) => failure !== undefined).length;
  results.push(
    ...told.map((text) => ({ type: "tests", name: text, seconds: 0, failure: { message: text, text } })),
  );
  if (junit !== undefined) await writeFile(junit, junitXml(results));
  const ok = failed === 0 && told.length === 0;
  const summary = `${counted(tests.length, "test")}, ${failed === 0 ? "none" : failed} failed`;
  return {
    ok,
    json: {
      ok,
      tests: results.map(({ failure, ...result }) => ({ ...result, ok: failure === undefined, ...failure })),
    },
    text: [...lines, ...told.map((problem) => `FAIL ${problem}`), summary].join("\n"),
  };
}

const failureText = (name: string, { message, text }: NonNullable<TestResult["failure"]>): string =>
  [`FAIL ${name}: ${message}`, ...(text === "" ? [] : [indented(text)])].join("\n");

type Came = { readonly failure: TestResult["failure"]; readonly text: string };

async function runTest(
  test: TestFile,
  config: WeirConfig,
  settings: TestSettings,
  update: true | undefined,
): Promise<Came> {
  const failed = (message: string, text = ""): Came => ({ failure: { message, text }, text });
  const type = config.types.find(({ name }) => name === test.type);
  if (type === undefined) {
    const names = config.types.map(({ name }) => name);
    const near = closest(test.type, names);
    return failed(
      `no log type "${test.type}": ${near === undefined ? `there is ${names.join(", ")}` : `did you mean "${near}"?`}`,
    );
  }
  const tried = await tryEvents(test, type, config, settings);
  const became = tried.map(({ became }) => became);
  if (update) {
    const text = expectationsText(became);
    const before = await expectedText(test);
    if (before !== text) await writeFile(test.expected, text);
    return { failure: undefined, text: `${summaryOf(became)}, ${before === text ? "as before" : "written"}` };
  }
  const text = await expectedText(test);
  if (text === undefined)
    return failed(
      `nothing is expected: look at weir try ${test.type} ${test.file}, then run weir test --update`,
    );
  const expected = parseExpectations(text, test.expected);
  const differences = differencesOf(tried, expected);
  if (differences.length === 0) return { failure: undefined, text: summaryOf(became) };
  const more = differences.length - SHOWN_EVENTS;
  return failed(
    `${differences.length} of ${counted(Math.max(tried.length, expected.length), "event")} differ`,
    [...differences.slice(0, SHOWN_EVENTS), ...(more > 0 ? [`and ${more} more`] : [])].join("\n"),
  );
}

async function tryEvents(
  { file, name, type: typeName }: TestFile,
  type: WeirConfig["types"][number],
  config: WeirConfig,
  { arrivedAt, host, labels, start }: TestSettings,
): Promise<TriedEvent[]> {
  // Copies of lines are not what this type makes of them.
  const routed = new LogTypes([{ ...type, copy: undefined }], config).ofName(typeName)!;
  const trial = new LineTrial(routed, type.match?.tags[0] ?? typeName, {
    arrivedAt: new Date(arrivedAt),
    host,
    labels,
  });
  const begins = Object.hasOwn(start, typeName)
    ? patternOf(`start.${typeName}`, start[typeName]!)
    : undefined;
  const joiner = new EventJoiner((line) => begins === undefined || begins.test(line.toString("latin1")));
  const tried: TriedEvent[] = [];
  const take = (event: FileLine | undefined): void => {
    if (event === undefined) return;
    if (tried.length === MAX_EVENTS) {
      const most = MAX_EVENTS.toLocaleString("en");
      throw new AccessError(
        "BAD_REQUEST",
        `${name}: more than ${most} events: a test has lines that people can read`,
      );
    }
    const outcome = trial.run({ ...event, file: name });
    const why = outcome.kind === "rejected" ? outcome.misfit.detail : "";
    tried.push({ event, became: expectationOf(outcome), why });
  };
  for await (const line of readLines(file)) take(joiner.take(line));
  take(joiner.end());
  return tried;
}

function differencesOf(tried: readonly TriedEvent[], expected: readonly Expectation[]): string[] {
  return Array.from({ length: Math.max(tried.length, expected.length) }, (_, i) => {
    const { event, became, why = "" } = tried[i] ?? {};
    const differs = difference(expected[i], became, why);
    if (differs === undefined) return [];
    const line = event
      ? `line ${event.number}: ${visibleBytes(event.data.subarray(0, SHOWN_LINE_BYTES))}`
      : "at the end";
    return [`${line}\n${indented(differs)}`];
  }).flat();
}

async function expectedText({ expected }: TestFile): Promise<string | undefined> {
  try {
    return await readFile(expected, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Times without a year are of the day on which they were written as expected. */
async function newSettings(folder: string): Promise<TestSettings> {
  const arrivedAt = new Date(Math.floor(Date.now() / 1_000) * 1_000).toISOString().replace(".000", "");
  await writeFile(settingsFile(folder), `${JSON.stringify({ arrivedAt }, undefined, 2)}\n`);
  return { ...DEFAULT_SETTINGS, arrivedAt };
}

function summaryOf(all: readonly Expectation[]): string {
  const rejected = all.filter((one) => "_rejected" in one).length;
  const filtered = all.filter((one) => "_filtered" in one).length;
  return [
    counted(all.length - rejected - filtered, "row"),
    ...(rejected > 0 ? [`${rejected} rejected`] : []),
    ...(filtered > 0 ? [`${filtered} filtered`] : []),
  ].join(", ");
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "  ");
