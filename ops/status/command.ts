import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { onPlace, type Outcome, type PlaceArguments } from "../access/place-command.ts";
import type { Place } from "../access/place.ts";
import { screenText } from "./screen.ts";

interface StatusArguments extends PlaceArguments {
  readonly watch?: true;
  /** Seconds. */
  readonly every: number;
  readonly hours: number;
  /** Minutes. */
  readonly maxLag: number;
}

/** `weir status`: one screen of the pipeline. */
export function statusCommand(): Command {
  const command = new Command("status")
    .description("print how every part of the pipeline is; the exit code is 0 only if all is well")
    .option("--watch", "again and again, until Ctrl-C")
    .option("--every <seconds>", "with --watch", whole(1, 86_400), 10)
    .option("--hours <count>", "count lines of so many hours", whole(1, 24 * 31), 1)
    .option("--max-lag <minutes>", "a table that is further behind is not well", whole(1, 1_000_000), 60);
  return onPlace<StatusArguments>(command, async (place, options) =>
    options.watch ? watch(place, options) : look(place, options),
  );
}

async function look(place: Place, { hours, maxLag }: StatusArguments): Promise<Outcome> {
  // Loaded late: an agent on a host has no use for it.
  const { readStatus } = await import("./status.ts");
  const now = new Date();
  const { ok, sections, json } = await readStatus(place, { hours, maxLagSeconds: maxLag * 60 }, now);
  const { isTTY, columns } = process.stdout;
  const text = screenText(sections, {
    title: place.title,
    now,
    columns: isTTY ? columns : undefined,
    hasColours: isTTY && process.stdout.hasColors(),
  });
  return { ok, json, text };
}

const HOME_AND_CLEAR = "\u001b[H\u001b[J";

/** Prints itself, each time over what was there; on no terminal, or as JSON, one after the other, a line each. */
async function watch(place: Place, options: StatusArguments): Promise<undefined> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  for (let isOver = false; !isOver;) {
    const { ok, json, text } = await look(place, options);
    const screen = process.stdout.isTTY ? `${HOME_AND_CLEAR}${text}\n` : `${text}\n\n`;
    process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : screen);
    process.exitCode = ok ? 0 : 1;
    await sleep(options.every * 1_000, undefined, { signal: stopped.signal }).catch(() => {});
    isOver = stopped.signal.aborted;
  }
  return undefined;
}

function whole(from: number, to: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= from && number <= to) return number;
    throw new InvalidArgumentError(`It should be a whole number from ${from} to ${to}.`);
  };
}
