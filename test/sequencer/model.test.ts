import { expect, test } from "vitest";
import { PipelineModel } from "./pipeline-model.ts";
import { Random } from "./random.ts";

const SEEDS = Number(process.env["MODEL_SEEDS"] ?? 300);
const FIRST_SEED = Number(process.env["MODEL_FIRST_SEED"] ?? 1);
/** Each test has its own time limit, which a busy machine must keep as well. */
const SEEDS_A_TEST = 50;

const firsts = Array.from(
  { length: Math.ceil(SEEDS / SEEDS_A_TEST) },
  (_, i) => FIRST_SEED + i * SEEDS_A_TEST,
);

test.each(firsts)(
  "whoever dies, is slow, late or doubled: each commit is in the log once, and consumers see that log (seeds from %i)",
  async (first) => {
    const end = Math.min(first + SEEDS_A_TEST, FIRST_SEED + SEEDS);
    for (let seed = first; seed < end; seed++) await simulate(seed);
  },
);

async function simulate(seed: number): Promise<void> {
  const random = new Random(seed);
  const model = new PipelineModel(random);
  await model.play(random.int(20, 250));
  await model.settle();

  const log = await model.log();
  const keys = log.map(({ key }) => key);
  const what = `seed ${seed}`;
  expect(new Set(keys).size, `${what}: each commit is in the log once`).toBe(keys.length);
  const removed = new Set([...model.written].flatMap(([key, { isRemoved }]) => (isRemoved ? key : [])));
  const kept = (keys: Iterable<string>): string[] => [...keys].filter((key) => !removed.has(key)).sort();
  expect(kept(keys), `${what}: all commits are in the log`).toEqual(kept(model.written.keys()));
  const passedBy = log.filter(({ key, found }) => found === "sweep" && model.written.get(key)!.isRegular);
  expect(passedBy, `${what}: what comes in time is found by the listing`).toEqual([]);
  for (const consumed of await model.consumed()) expect(consumed, `${what}: order`).toEqual(keys);
}
