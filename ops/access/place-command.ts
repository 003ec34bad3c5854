import { type Command, Option } from "commander";
import { ConfigError } from "../../wire/config.ts";
import { AccessError } from "./access-error.ts";
import { explainAws } from "./aws-errors.ts";
import type { Place } from "./place.ts";

/** What every command is told that works on a pipeline. */
export interface PlaceArguments {
  readonly stack?: string;
  readonly local?: string;
  readonly region?: string;
  readonly warehouse?: string;
  readonly json?: true;
}

/** What a command found or did. */
export interface Outcome {
  /** For people. */
  readonly text: string;
  /** For programs, with --json. */
  readonly json: object;
  /** All is well: the exit code is 0. */
  readonly ok: boolean;
  /** The exit code where it is not. @default 1 */
  readonly exitCode?: number;
}

export const regionOption = (description = "of the stack"): Option =>
  new Option("--region <region>", description).env("AWS_REGION");
export const jsonOption = (): Option => new Option("--json", "print JSON");

/**
 * @param work gives what is to be printed, or nothing where it has printed all itself, as it went
 * @returns the command with the options that say where it works and how it prints, and with what it does there
 */
// oxlint-disable-next-line no-unnecessary-type-parameters -- the caller knows which options its command has
export function onPlace<A extends PlaceArguments>(
  command: Command,
  work: (place: Place, options: A, ...args: string[]) => Promise<Outcome | undefined>,
): Command {
  return command
    .addOption(new Option("--stack <name>", "work on this deployed stack"))
    .addOption(new Option("--local <folder>", "work on the laptop cloud that runs there").conflicts("stack"))
    .addOption(regionOption())
    .addOption(
      new Option("--warehouse <name>", "of several warehouses, this one alone; all of them if absent"),
    )
    .addOption(jsonOption())
    .action(async (...given: unknown[]) => {
      const options = command.opts<A>();
      const args = given.slice(0, -2) as string[];
      await print(options.json, async () => {
        using place = await open(options);
        return work(place, options, ...args);
      });
    });
}

/** Prints what comes of it, or why nothing does, and sets the exit code. */
export async function print(json: true | undefined, work: () => Promise<Outcome | undefined>): Promise<void> {
  try {
    const outcome = await work();
    if (outcome === undefined) return;
    process.stdout.write(json ? `${JSON.stringify(outcome.json, null, 2)}\n` : `${outcome.text}\n`);
    if (!outcome.ok) process.exitCode = outcome.exitCode ?? 1;
  } catch (error) {
    const { code, refusal, message, hint } = expected(error);
    if (json) {
      const said = { code: refusal ?? code, message, hint };
      process.stdout.write(`${JSON.stringify({ ok: false, error: said }, null, 2)}\n`);
    } else console.error(`weir: ${message}${hint === undefined ? "" : `\n${hint}`}`);
    process.exitCode = 1;
  }
}

async function open({ stack, local, region, warehouse }: PlaceArguments): Promise<Place> {
  // Loaded late: an agent on a host has no use for any of it.
  const { openPlace } = await import("./place.ts");
  if (stack !== undefined)
    return openPlace(await (await import("./stack.ts")).stackNames(stack, region), warehouse);
  if (local !== undefined)
    return openPlace(await (await import("./laptop-cloud.ts")).laptopCloudNames(local), warehouse);
  const hint = "Say --stack NAME for a deployed stack, or --local DIR for a laptop cloud.";
  throw new AccessError("NO_PLACE", "nothing to work on", hint);
}

/** @throws whatever is a defect, with its stack */
function expected(error: unknown): AccessError {
  if (error instanceof AccessError) return error;
  if (error instanceof ConfigError) return new AccessError("BAD_CONFIG", error.message);
  const known = explainAws(error);
  if (known === undefined) throw error;
  return known;
}
