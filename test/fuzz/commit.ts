import { deepStrictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import { parseCommit } from "../../wire/commit.ts";
import { parseCommitKey } from "../../wire/keys.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { Random } from "../../local/traffic/random.ts";
import { batch } from "../loader/lake-fixture.ts";
import { logType, planned, targets } from "../loader/loader-fixture.ts";
import type { Target } from "./fuzz.ts";
import { mutateBytes, mutateJson } from "./mutation.ts";

const NOW = new Date("2026-11-21T10:05:00Z");

/** A commit that was spoilt is refused by its key, or is one of the present version that a load can be planned of. */
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
    const later = { ...sound.commit, version: 3, labels: { added: [1, 2] } };
    const versions = [sound.commit, sound.commit, commitOfVersion1(), later];
    return {
      async run(random: Random) {
        const key = sound.commitKey;
        const text = spoil(random, random.pick(versions));
        tryKey(mutateBytes(random, Buffer.from(key)).toString());
        try {
          const read = parseCommit(text, key);
          const written = JSON.stringify(read);
          deepStrictEqual(parseCommit(written, key), JSON.parse(written));
          planned(table!, [{ commitKey: key, commit: read }, other], NOW);
        } catch (error) {
          if (!(error instanceof WireError) || !error.message.includes(key)) throw error;
        }
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};

/** As release 0.1.0 wrote it. */
function commitOfVersion1(): object {
  const file = new URL("../vectors/weir-lake-0.1.0.json", import.meta.url);
  const { objects } = JSON.parse(readFileSync(file, "utf8")) as { objects: Record<string, string> };
  const [, body] = Object.entries(objects).find(([key]) => key.startsWith("commits/"))!;
  return JSON.parse(Buffer.from(body, "base64").toString()) as object;
}

/** A key that was spoilt is refused by its name, or says a minute that can be told. */
function tryKey(key: string): void {
  try {
    parseCommitKey(key).writtenAt.toISOString();
  } catch (error) {
    if (!(error instanceof WireError) || !error.message.includes(key)) throw error;
  }
}

function spoil(random: Random, commit: object): string {
  if (random.chance(0.2)) return mutateBytes(random, Buffer.from(JSON.stringify(commit))).toString();
  return JSON.stringify(mutateJson(random, commit));
}
