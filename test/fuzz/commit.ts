import { planLoad } from "../../lambdas/loader/plan.ts";
import { parseCommit } from "../../wire/commit.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { Random } from "../../local/traffic/random.ts";
import { batch } from "../loader/lake-fixture.ts";
import { logType, targets } from "../loader/loader-fixture.ts";
import type { Target } from "./fuzz.ts";
import { mutateBytes, mutateJson } from "./mutation.ts";

const NOW = new Date("2026-11-21T10:05:00Z");

/** A commit that was spoilt is refused by its key, or is one that a load can be planned of. */
export const commit: Target = {
  name: "commit",
  async start() {
    const [table] = targets(logType("photo"));
    const sources = {
      a: [[0, 40] as const, [60, 90] as const],
      b: [[0, 10] as const],
    };
    const sound = batch({ sequence: [1, 5], sources, foreign: [3] });
    const other = batch({ sequence: [6, 9], sources: { a: [[90, 120]] } });
    return {
      async run(random: Random) {
        const key = sound.commitKey;
        const text = spoil(random, sound.commit);
        try {
          const found = [
            { key, commit: parseCommit(text, key) },
            { key: other.commitKey, commit: other.commit },
          ];
          planLoad(table!, found, "bucket", NOW);
        } catch (error) {
          if (!(error instanceof WireError) || !error.message.includes(key)) throw error;
        }
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};

function spoil(random: Random, commit: object): string {
  if (random.chance(0.2)) return mutateBytes(random, Buffer.from(JSON.stringify(commit))).toString();
  return JSON.stringify(mutateJson(random, commit));
}
