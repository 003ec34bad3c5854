import { expect, test } from "vitest";
import { PipelineModel } from "./pipeline-model.ts";
import { Random } from "./random.ts";

const SEEDS = Number(process.env["MODEL_SEEDS"] ?? 300);
const FIRST_SEED = Number(process.env["MODEL_FIRST_SEED"] ?? 1);

test("whoever dies, is slow, late or doubled: each commit is in the log once, and each consumer sees that log", async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
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
});
