import { writeFile } from "node:fs/promises";
import { ConfigError } from "../../wire/config.ts";
import type { LogGlobs, LogStarts } from "../agent/log-files.ts";
import { PartError } from "../part.ts";
import { MAX_REJECTED_PERCENT, overLimit } from "../reconcile/reject-limit.ts";
import { renderTable } from "../reconcile/render-table.ts";
import { run } from "./run.ts";
import { RunError } from "./run-error.ts";
import { RunFolder } from "./run-folder.ts";
import { TemplateError } from "../template/template-error.ts";
import { WarehouseError } from "../warehouse/warehouse-error.ts";

export interface RunArguments {
  readonly once: boolean;
  readonly logs: LogGlobs;
  readonly start: LogStarts;
  readonly agent?: string;
  readonly config: string;
  readonly report?: string;
  readonly lines: number;
  readonly rate: number;
  readonly seed: number;
  readonly port?: number;
  readonly dir?: string;
  /** Percent of a type's lines. */
  readonly maxRejected?: number;
}

const BALANCED = 0;
const FAILED = 1;
const INTERRUPTS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** 128 + SIGINT, as a shell has it. */
const INTERRUPTED = 130;

/** Runs the laptop cloud for a terminal. @returns the exit code: 0 only if everything balances */
export async function runCommand(args: RunArguments): Promise<number> {
  using interrupts = new Interrupts(args.once);
  try {
    await using folder = await RunFolder.open(args.dir);
    try {
      return await runIn(folder, args, interrupts);
    } catch (error) {
      folder.keep();
      throw await folder.reasonOf(error);
    } finally {
      if (folder.isKept) say(`files, state and logs are in ${folder.path}`);
    }
  } catch (error) {
    if (interrupts.abort.aborted) return INTERRUPTED;
    process.stderr.write(`\nweir: ${explain(error)}\n`);
    return FAILED;
  }
}

async function runIn(folder: RunFolder, args: RunArguments, { finish, abort }: Interrupts): Promise<number> {
  const report = await run({
    configFile: args.config,
    logs: args.logs,
    starts: args.start,
    agentFile: args.agent,
    once: args.once,
    linesPerType: args.once ? args.lines : undefined,
    linesPerSecond: args.once ? undefined : args.rate,
    seed: args.seed,
    port: args.port,
    dir: folder.path,
    state: folder.state,
    maxRejectedPercent: toldAbove(args),
    say,
    show: (text) => process.stderr.write(text),
    log: (part, line) => folder.log(part, line),
    finish,
    signal: AbortSignal.any([abort, folder.broken]),
  });
  const maxRejectedPercent = maxRejected(args);
  const { columns } = process.stdout;
  const table = renderTable(report, {
    maxRejectedPercent,
    // Nothing is cut in a file or a pipe.
    ...(columns !== undefined && { width: Math.max(100, columns) }),
  });
  process.stdout.write(`\n${table}\n`);
  if (args.report !== undefined) await writeFile(args.report, `${JSON.stringify(report, null, 2)}\n`);
  if (!report.balanced) {
    folder.keep();
    const reason = await folder.reasonOf(undefined);
    if (reason) throw reason;
  }
  return report.balanced && overLimit(report, maxRejectedPercent).length === 0 ? BALANCED : FAILED;
}

/** Sample traffic has lines to reject, and a run without end is watched. */
function maxRejected({ maxRejected, once, logs, agent }: RunArguments): number {
  if (maxRejected !== undefined) return maxRejected;
  return once && (agent !== undefined || Object.keys(logs).length > 0) ? MAX_REJECTED_PERCENT : 100;
}

/** Limit above which it is told while it runs: also without --once, but not of sample traffic, which has lines to reject. */
function toldAbove({ maxRejected, logs, agent }: RunArguments): number {
  const isSample = Object.keys(logs).length === 0 && agent === undefined;
  return maxRejected ?? (isSample ? 100 : MAX_REJECTED_PERCENT);
}

/** Ctrl-C, or a terminal that is closed: of a run without end the first one ends the input, the next one everything. */
class Interrupts implements Disposable {
  readonly #finish = new AbortController();
  readonly #abort = new AbortController();
  readonly finish = this.#finish.signal;
  readonly abort = this.#abort.signal;
  readonly #isBounded: boolean;

  constructor(isBounded: boolean) {
    this.#isBounded = isBounded;
    for (const name of INTERRUPTS) process.on(name, this.#onSignal);
    // What is under way still arrives when nobody reads of it any more.
    for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
  }

  readonly #onSignal = (): void => {
    if (this.#isBounded || this.finish.aborted) this.#abort.abort();
    else say("stopping: what is under way still arrives (again to stop at once)");
    this.#finish.abort();
  };

  [Symbol.dispose](): void {
    for (const name of INTERRUPTS) process.off(name, this.#onSignal);
  }
}

function say(line: string): void {
  process.stderr.write(`weir: ${line}\n`);
}

/** Expected failures in their own words; anything else is a defect and keeps its stack. */
function explain(error: unknown): string {
  const known = [ConfigError, PartError, RunError, TemplateError, WarehouseError];
  if (known.some((kind) => error instanceof kind)) return (error as Error).message;
  if (!(error instanceof Error)) return String(error);
  return "code" in error && error.code === "ENOSPC" ? `the disk is full: ${error.message}` : `${error.stack}`;
}
