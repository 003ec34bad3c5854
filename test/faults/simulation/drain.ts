import { reparseRejected, replayFailed } from "./operator.ts";
import type { Simulation } from "./simulation.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Rotated files have ended by then, and what is retried has been. */
const LONGEST_MS = 40 * MINUTE_MS;

/** Lets everything come to its end, now that nothing goes wrong any more. */
export async function drain(simulation: Simulation): Promise<void> {
  const { hosts, stream, router, loader, mapping, deployed } = simulation;
  stream.isDown = router.isBroken = loader.isRefused = loader.isAway = false;
  simulation.deploy("loader", deployed.router);
  for (const host of hosts) if (!host.isRunning) host.start();
  // Until all have looked.
  await simulation.time.pass(MINUTE_MS);
  await until(simulation, "all hosts are drained", () => {
    // Some of them may have been about to stop.
    for (const host of hosts) if (!host.isRunning) host.start();
    return hosts.every((host) => host.isQuiet && host.isDrained);
  });
  for (const host of hosts)
    simulation.problems.push(...host.problems.map((problem) => `${host.name}: ${problem}`));
  const stopped = Promise.all(hosts.map((host) => host.stop()));
  await simulation.time.pass(MINUTE_MS);
  await stopped;
  await until(simulation, "the mapping has done all", () => mapping.isDone);
  simulation.endSchedules();
  await simulation.time.pass(5 * MINUTE_MS);
  const replayedAtMs = simulation.time.nowMs;
  const replayed = await replayFailed(simulation);
  // However long it took: the machine that this runs on has a part in that.
  await simulation.time.pass(replayedAtMs + 5 * MINUTE_MS - simulation.time.nowMs);
  if (replayed > 0) simulation.note(`replayed ${replayed} records`);
  // Rejected lines come to a table that has been loaded, or to one that has not.
  const reparses = simulation.random.pick(["never", "before", "after", "twice"]);
  if (reparses === "before" || reparses === "twice") await reparseRejected(simulation);
  await sequence(simulation);
  await load(simulation);
  if (reparses === "never" || reparses === "before") return;
  await reparseRejected(simulation);
  await sequence(simulation);
  await load(simulation);
}

/** @param what is to become true */
async function until(simulation: Simulation, what: string, isTrue: () => boolean): Promise<void> {
  const { time, problems } = simulation;
  for (let waitedMs = 0; !isTrue(); waitedMs += 10 * SECOND_MS) {
    if (waitedMs > LONGEST_MS)
      return void problems.push(
        `within ${LONGEST_MS / MINUTE_MS} minutes, it did not come about that ${what}`,
      );
    await time.pass(10 * SECOND_MS);
  }
}

/** Commits in time are found by the listing, all others by the sweep of a day. */
async function sequence(simulation: Simulation): Promise<void> {
  const { time, sequencer } = simulation;
  for (let day = 0; day < 3; day++) {
    for (let runs = 0; runs < 2; runs++) {
      const invoked = sequencer.invoke();
      await time.pass(MINUTE_MS);
      for (const { name, error } of await invoked) {
        if (error) simulation.problems.push(`${name} failed: ${error.stack}`);
      }
    }
    time.skip(25 * HOUR_MS);
  }
}

/** Ticks until nothing waits, whatever has failed before. */
async function load(simulation: Simulation): Promise<void> {
  const { time, loader, problems } = simulation;
  let last = "";
  for (let ticks = 0; ticks < 60; ticks++) {
    const invoked = loader.invoke();
    await time.pass(10 * MINUTE_MS);
    const [outcome] = await invoked;
    last = JSON.stringify(outcome?.error?.stack ?? outcome?.report);
    const {
      unreadable = 1,
      behind = [],
      refused,
    } = (outcome?.report ?? {}) as {
      unreadable?: number;
      behind?: readonly unknown[];
      refused?: unknown;
    };
    if (unreadable === 0 && behind.length === 0 && refused === undefined) return;
    if (ticks > 20) time.skip(HOUR_MS);
  }
  problems.push(`the loader does not come to an end: ${last} ${loader.logged.slice(-5).join("\n")}`);
}
