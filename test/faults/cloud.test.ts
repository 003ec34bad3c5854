import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Report } from "../../local/reconcile/report.ts";
import { Random } from "../../local/traffic/random.ts";
import { SAMPLE_TYPES } from "../../local/traffic/traffic.ts";
import { seeds } from "../agent/seeds.ts";
import { type SampleStack, sampleStack } from "../end-to-end/pipeline.ts";
import { FaultyCloud } from "./faulty-cloud.ts";
import { LogWriter } from "./log-writer.ts";
import { runbookCommands } from "./runbook.ts";
import { endInterference, interfere, refuseRouter, TROUBLES } from "./troubles.ts";

const LINES_AT_ONCE = 40;
/** Of a dozen: others with another seed. */
const TROUBLES_A_SEED = 7;

// One cloud for all of them: each test begins with what those before it have left.
let stack: SampleStack;
let faulty: FaultyCloud;
let logs: readonly LogWriter[];

beforeAll(async () => {
  const random = new Random(seeds(1)[0]!);
  stack = await sampleStack();
  faulty = await FaultyCloud.start(stack, () => random.fraction());
  logs = SAMPLE_TYPES.map((maker) => new LogWriter(faulty.logs, maker, random));
});
// Between two tests none runs: while lake and log are compared, nothing is to come.
beforeEach(() => faulty.beginTest());
afterAll(async () => {
  await faulty?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

/** Ends the agent with all that it has to tell of its files in the stream, and lets the stream run through. */
async function drain(): Promise<void> {
  await faulty.agent.drain();
  expect(await faulty.drain()).toEqual([]);
}

/** Runs a command of the runbook. @returns what it prints @throws Error unless all is well */
async function follow(command: string): Promise<string> {
  const args = command.split(" ").slice(1);
  // Nobody is there to be asked.
  if (command === "weir replay --failed") args.push("--yes");
  const { code, stdout, stderr } = await faulty.weir(...args);
  if (code !== 0) throw new Error(`exit code ${code} of ${command}:\n${stdout}${stderr}`);
  return stdout;
}

/** Brings back what was given up, and has it loaded. */
async function replay(): Promise<void> {
  await follow("weir replay --failed");
  expect(await faulty.drain()).toEqual([]);
}

/** Told by the files and the tables, and by nothing that the pipeline says of itself. */
async function reconcile(): Promise<Report> {
  const truth = await Promise.all(logs.map(async (log) => [log.type, await log.truth()] as const));
  return faulty.reconcile(Object.fromEntries(truth));
}

async function expectEachLineOnce(): Promise<void> {
  const { problems, types } = await reconcile();
  expect(problems).toEqual([]);
  for (const { type, lines } of logs) {
    const { rows, rejected, duplicates } = types[type]!;
    expect({ rows, rejected }).toEqual({ rows: lines.good, rejected: lines.bad });
    expect(types[type]!.lines - duplicates).toBe(lines.good + lines.bad);
  }
}

test("an alarm that batches were given up leads through the runbook's commands to a balanced audit", async () => {
  const commands = runbookCommands("Batches given up").filter((command) => command.startsWith("weir "));
  expect(commands).toEqual(["weir replay --failed --dry-run", "weir replay --failed", "weir audit"]);
  const mend = refuseRouter(faulty);
  for (const log of logs) await log.write(100);
  await drain();
  await expect(follow("weir audit")).rejects.toThrow(/NOT BALANCED[^]*run +weir replay --failed/);
  expect((await reconcile()).problems).toContainEqual(expect.stringMatching(/nothing of .* was delivered/));
  mend();

  let printed = "";
  for (const command of commands) printed = await follow(command);
  expect(printed).toMatch(/: balanced\. /);
  expect(await faulty.drain()).toEqual([]);
  await expectEachLineOnce();
});

test.each(seeds(2))("seed %i: whatever fails, every line is in its table once", async (seed) => {
  const random = new Random(seed);
  const met: string[] = [];
  try {
    interfere(faulty, random);
    for (const [name, trouble] of shuffled(Object.entries(TROUBLES), random).slice(0, TROUBLES_A_SEED)) {
      met.push(name);
      await Promise.all([trouble(faulty, random, logs), write(random)]);
    }
    endInterference(faulty);
    await drain();
    await replay();
    await expectEachLineOnce();
    await follow("weir audit");
  } catch (cause) {
    throw new Error(`after ${met.join(", ")}:\n${faulty.lastWords}`, { cause });
  }
});

async function write(random: Random): Promise<void> {
  for (let times = 2 + random.below(3); times > 0; times--) {
    for (const log of logs) await log.write(1 + random.below(LINES_AT_ONCE));
    await sleep(random.below(60));
  }
}

function shuffled<T>(all: readonly T[], random: Random): T[] {
  return all
    .map((one) => ({ one, place: random.fraction() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}
