import type { Random } from "../../local/traffic/random.ts";
import { AgentError } from "../../agent/agent-error.ts";
import type { SpoolPosition } from "../../agent/push/spool/segments.ts";
import { PowerLossFs } from "../agent/power-loss-fs.ts";
import { event, SpoolRun } from "../agent/spool/spool-fixture.ts";
import type { Target } from "./fuzz.ts";
import { mutateBytes } from "./mutation.ts";

const EVENTS = 60;

/** Spool whose segments were spoilt: every event that comes out is one that went in, and delivery ends. */
export const spool: Target = {
  name: "spool",
  async start() {
    return {
      async run(random: Random) {
        const fs = new PowerLossFs();
        const { written, position } = await fill(random, fs);
        for (const name of await fs.list("/spool")) {
          if (random.chance(0.3)) await spoil(random, fs, `/spool/${name}`);
        }
        const run = await open(random, fs, position);
        if (run === undefined) return;
        for (const { text } of await run.deliver()) {
          if (!written.has(text)) throw new Error(`nobody wrote ${JSON.stringify(text)}`);
        }
        await run.spool.append([event("and goes on")]);
        const [last] = (await run.deliver()).slice(-1);
        if (last?.text !== "and goes on") throw new Error("what is written after that does not come out");
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};

async function fill(
  random: Random,
  fs: PowerLossFs,
): Promise<{ readonly written: ReadonlySet<string>; readonly position: SpoolPosition }> {
  const run = await SpoolRun.open(fs);
  const written = new Set<string>();
  for (let n = 0; n < EVENTS; n++) {
    const text = `event ${n} ${"x".repeat(random.below(60))}`;
    written.add(text);
    await run.spool.append([event(text, random.pick(["test", "other"]))]);
    if (random.chance(0.1)) await run.deliver(random.below(10));
  }
  return { written, position: await run.checkpoint() };
}

async function spoil(random: Random, fs: PowerLossFs, path: string): Promise<void> {
  const file = await fs.open(path);
  const bytes = Buffer.alloc(2 ** 16);
  const content = bytes.subarray(0, await file.read(bytes, 0));
  await fs.remove(path);
  if (random.chance(0.2)) return;
  await (await fs.create(path)).write(mutateBytes(random, content), 0);
}

/** @returns undefined where it is refused with a reason */
async function open(random: Random, fs: PowerLossFs, position: SpoolPosition): Promise<SpoolRun | undefined> {
  try {
    return await SpoolRun.open(fs, random.chance(0.8) ? position : undefined);
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}
