import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentError } from "../../agent/agent-error.ts";
import type { AgentState } from "../../agent/progress/checkpoint-schema.ts";
import { CheckpointFile } from "../../agent/progress/checkpoint.ts";
import type { Random } from "../../local/traffic/random.ts";
import { TailHarness } from "../agent/tail-harness.ts";
import type { Target } from "./fuzz.ts";
import { mutateBytes, mutateJson } from "./mutation.ts";

/** A checkpoint of some files that was spoilt is refused, or is one with which an agent goes on. */
export const checkpoint: Target = {
  name: "checkpoint",
  async start() {
    const directory = await mkdtemp(join(tmpdir(), "weir-fuzz-"));
    const valid = await validState();
    return {
      async run(random: Random) {
        const text = spoil(
          random,
          JSON.stringify({ version: 1, savedAt: new Date(0).toISOString(), ...valid }),
        );
        await writeFile(join(directory, "checkpoint.json"), text);
        const state = await load(directory);
        if (state === undefined) return;
        await using tail = await TailHarness.make({ state });
        await writeFile(tail.path("a.log"), "one\ntwo\n");
        await tail.poll();
        await new CheckpointFile(directory).save({ ...tail.state, spool: state.spool }, new Date(0));
        if ((await load(directory)) === undefined)
          throw new Error(`refused its own: ${await readFile(join(directory, "checkpoint.json"), "utf8")}`);
      },
      [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
    };
  },
};

async function validState(): Promise<AgentState> {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\ntwo\nthr");
  await writeFile(tail.path("b.log"), "another\n");
  await tail.poll();
  tail.acknowledge();
  const spool = { sourceId: "AbCdEfGhIjKl", offset: 120, end: 240 };
  return { ...(JSON.parse(JSON.stringify(tail.state)) as AgentState), spool };
}

function spoil(random: Random, text: string): Buffer {
  if (random.chance(0.2)) return mutateBytes(random, Buffer.from(text));
  return Buffer.from(JSON.stringify(mutateJson(random, JSON.parse(text))));
}

/** @returns undefined where it is refused as what it is */
async function load(directory: string): Promise<AgentState | undefined> {
  try {
    return await new CheckpointFile(directory).load();
  } catch (error) {
    if (error instanceof AgentError && error.code === "CHECKPOINT_CORRUPT") return undefined;
    throw error;
  }
}
