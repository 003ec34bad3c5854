import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ConfigError } from "../wire/config.ts";
import { PartError } from "./part.ts";
import type { LogGlobs } from "./log-files.ts";
import { renderTable } from "./reconcile/render-table.ts";
import { run } from "./run.ts";
import { RunError } from "./run-error.ts";
import { TemplateError } from "./template/template-error.ts";
import { WarehouseError } from "./warehouse/warehouse-error.ts";

export interface RunArguments {
  readonly once: boolean;
  readonly logs: LogGlobs;
  readonly config: string;
  readonly report?: string;
  readonly lines: number;
  readonly rate: number;
  readonly seed: number;
  readonly port?: number;
  readonly dir?: string;
}

const BALANCED = 0;
const FAILED = 1;
/** 128 + SIGINT, as a shell has it. */
const INTERRUPTED = 130;

/** Runs the laptop cloud for a terminal. @returns the exit code: 0 only if everything balances */
export async function runCommand(args: RunArguments): Promise<number> {
  const finish = new AbortController();
  const abort = new AbortController();
  const onSignal = (): void => {
    if (args.once || finish.signal.aborted) abort.abort();
    else say("stopping: what is under way still arrives (again to stop at once)");
    finish.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const dir = resolve(args.dir ?? (await mkdtemp(join(tmpdir(), "weir-"))));
  await mkdir(dir, { recursive: true });
  const logFile = createWriteStream(join(dir, "weir.log"), { flags: "a" });
  let keep = args.dir !== undefined;
  try {
    const report = await run({
      configFile: args.config,
      logs: args.logs,
      linesPerType: args.once ? args.lines : undefined,
      linesPerSecond: args.once ? undefined : args.rate,
      seed: args.seed,
      port: args.port,
      dir,
      say,
      log: (part, line) => logFile.write(`${part} ${line}\n`),
      finish: finish.signal,
      signal: abort.signal,
    });
    process.stdout.write(`\n${renderTable(report)}\n`);
    if (args.report !== undefined) await writeFile(args.report, `${JSON.stringify(report, null, 2)}\n`);
    if (!report.balanced) keep = true;
    return report.balanced ? BALANCED : FAILED;
  } catch (error) {
    if (abort.signal.aborted) return INTERRUPTED;
    keep = true;
    process.stderr.write(`\n${explain(error)}\n`);
    return FAILED;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    await new Promise<void>((done) => logFile.end(done));
    if (keep) say(`files, state and logs are in ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  }
}

function say(line: string): void {
  process.stderr.write(`weir: ${line}\n`);
}

/** Expected failures in their own words; anything else is a defect and keeps its stack. */
function explain(error: unknown): string {
  const known = [ConfigError, PartError, RunError, TemplateError, WarehouseError];
  if (known.some((kind) => error instanceof kind)) return `weir: ${(error as Error).message}`;
  if (error instanceof Error && "code" in error && error.code === "ENOSPC")
    return `weir: the disk is full: ${error.message}`;
  return error instanceof Error ? `weir: ${error.stack}` : String(error);
}
