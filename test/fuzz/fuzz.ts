import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { Random } from "../../local/traffic/random.ts";

/** Something that takes bytes from somebody else. */
export interface Target {
  readonly name: string;
  /** Made once for all cases. */
  start(): Promise<FuzzCase & AsyncDisposable>;
}

export interface FuzzCase {
  /** Hands it one input that `random` makes. @throws when what must hold of any input does not */
  run(random: Random): Promise<void>;
}

export interface FuzzReport {
  readonly cases: number;
  /** The longest that nothing else could run. */
  readonly loopDelayMs: number;
  /** The case that took the most CPU. */
  readonly slowest: { readonly seed: number; readonly cpuMs: number };
  /** Beyond what there was at the start. */
  readonly residentMiB: number;
}

/** An input on which something did not hold; its seed makes it again. */
export class FuzzFailure extends Error {
  override name = "FuzzFailure";

  constructor(target: string, seed: number, cause: unknown) {
    super(
      `${target}, seed ${seed}: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`,
      { cause },
    );
  }
}

const MIB = 2 ** 20;

/**
 * Hands inputs to a target until the time is over. Each has a seed of its own, counted up from the first.
 *
 * @throws FuzzFailure
 */
export async function fuzz(target: Target, firstSeed: number, milliseconds: number): Promise<FuzzReport> {
  await using started = await target.start();
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const before = process.memoryUsage.rss();
  let resident = before;
  const end = performance.now() + milliseconds;
  let cases = 0;
  let slowest = { seed: firstSeed, cpuMs: 0 };
  loop.enable();
  // The first takes what is loaded and compiled only now.
  for (; cases === 0 || performance.now() < end; cases++) {
    const seed = firstSeed + cases;
    const cpu = process.cpuUsage();
    try {
      await started.run(new Random(seed));
    } catch (cause) {
      throw new FuzzFailure(target.name, seed, cause);
    }
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = Math.round((user + system) / 1_000);
    if (cases > 0 && cpuMs > slowest.cpuMs) slowest = { seed, cpuMs };
    await turn();
    if (cases === 0) loop.reset();
    resident = Math.max(resident, process.memoryUsage.rss());
  }
  loop.disable();
  const loopDelayMs = Math.round(loop.max / 1e6);
  return { cases, loopDelayMs, slowest, residentMiB: Math.round((resident - before) / MIB) };
}
