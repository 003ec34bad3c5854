import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { AgentError } from "./agent-error.ts";
import type { AgentConfig } from "./config.ts";
import { type Position, type Positions, readPositions } from "./positions.ts";

/** What `weir agent status` prints: every file, and what the agent says of the stream. */
export async function statusText(config: AgentConfig): Promise<string> {
  const all = await readPositions(config);
  const undelivered = all.positions.reduce((sum, position) => sum + (waitingBytes(position) ?? 0), 0);
  const summary = `${all.positions.length} files, ${undelivered} bytes not delivered, the agent ${
    all.isRunning ? "runs" : "does not run"
  }`;
  return [...all.positions.map(positionText), summary, ...streamLine(all), ""].join("\n");
}

function streamLine({ streamError }: Positions): string[] {
  return streamError === undefined ? [] : [`stream: ${streamError}`];
}

/** What `weir agent where FILE` prints. @throws AgentError FILES when nothing is known of it */
export async function whereText(config: AgentConfig, file: string): Promise<string> {
  const found = await positionsAt(await readPositions(config), file);
  if (found.length > 0) return `${found.map(positionText).join("\n")}\n`;
  const hint = "Its path must match a [[files]] entry, and none of that entry's exclude.";
  throw new AgentError("FILES", resolve(file), "no entry of the configuration takes it", hint);
}

/** A symbolic link and the file that it leads to are one file. */
export async function positionsAt({ positions }: Positions, file: string): Promise<Position[]> {
  const path = resolve(file);
  const real = await realpath(path).catch(() => path);
  return positions.filter(({ location }) => location === path || location === real);
}

function positionText(position: Position): string {
  const { location, tag, delivered, read, size, waiting } = position;
  const extent = size === undefined ? "" : ` of ${size}`;
  const readText = read === undefined ? "" : `, read to ${read}`;
  const why = waiting === undefined ? "" : `\n  waiting: ${waiting}`;
  return `${location} (${tag})\n  delivered to byte ${delivered}${extent}${readText}${why}`;
}

function waitingBytes({ size, delivered, waiting }: Position): number | undefined {
  return size === undefined || waiting === undefined ? undefined : size - delivered;
}
