import { expect, test } from "vitest";
import { seeds } from "../agent/seeds.ts";
import { fuzz } from "./fuzz.ts";
import { TARGETS } from "./targets.ts";

const MILLISECONDS = 3_000;
/** Grown by what is loaded and compiled, and by garbage that is not collected yet. */
const RESIDENT_MIB = 512;

test.each(TARGETS)(
  "$name: input that was spoilt is refused for a reason, or harms nothing",
  async (target) => {
    const [seed = 1] = seeds(1);
    const { cases, residentMiB } = await fuzz(target, seed, MILLISECONDS);
    expect(cases).toBeGreaterThan(0);
    expect(residentMiB).toBeLessThan(RESIDENT_MIB);
  },
);
