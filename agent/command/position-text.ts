import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { AgentError } from "../agent-error.ts";
import type { AgentConfig } from "../config/config.ts";
import { renewalText } from "../machine/machine-state.ts";
import {
  type Position,
  type Positions,
  readPositions,
  SPOOL_LOCATION,
  type SpoolState,
} from "./positions.ts";

/** What `weir agent status` prints: every file, the spool, and what the agent says of the stream. */
export async function statusText(config: AgentConfig): Promise<string> {
  const all = await readPositions(config);
  const { spool } = all;
  const inFiles = all.positions.reduce((sum, position) => sum + (waitingBytes(position) ?? 0), 0);
  const undelivered = inFiles + (spool ? spool.received - spool.delivered : 0);
  const summary = `${all.positions.length} files, ${undelivered} bytes not delivered, the agent ${
    all.isRunning ? "runs" : "does not run"
  }`;
  const pushed = spool ? [spoolText(spool, inputNames(config), all.isRunning)] : [];
  const lines = [
    ...all.positions.map(positionText),
    ...pushed,
    summary,
    ...renewalLine(all),
    ...streamLine(all),
  ];
  return [...lines, ""].join("\n");
}

function renewalLine({ renewal }: Positions): string[] {
  return renewal === undefined ? [] : [renewalText(renewal)];
}

function streamLine({ streamError }: Positions): string[] {
  return streamError === undefined ? [] : [`stream: ${streamError}`];
}

/**
 * What `weir agent where FILE` prints.
 *
 * @param file or an input of the spool: `forward`, `stdin`, a socket's path, or `spool` itself
 * @throws AgentError FILES when nothing is known of it
 */
export async function whereText(config: AgentConfig, file: string): Promise<string> {
  const all = await readPositions(config);
  const found = await positionsAt(all, file);
  if (found.length > 0) return `${found.map(positionText).join("\n")}\n`;
  const inputs = inputNames(config);
  if (all.spool && ["spool", SPOOL_LOCATION, ...inputs].includes(file))
    return `${spoolText(all.spool, inputs, all.isRunning)}\n`;
  const hint =
    "Its path must match a [[files]] entry, and none of that entry's exclude; pushed events are under spool.";
  throw new AgentError("FILES", resolve(file), "no entry of the configuration takes it", hint);
}

/** A symbolic link and the file that it leads to are one file. */
export async function positionsAt({ positions }: Positions, file: string): Promise<Position[]> {
  const path = resolve(file);
  const real = await realpath(path).catch(() => path);
  return positions.filter(({ location }) => location === path || location === real);
}

function positionText(position: Position): string {
  const { location, tag, delivered, read, size, waiting, copyOf } = position;
  if (copyOf !== undefined)
    return `${location} (${tag})\n  not read: a copy of what was read as source ${copyOf}`;
  const extent = size === undefined ? "" : ` of ${size}`;
  const readText = read === undefined ? "" : `, read to ${read}`;
  const why = waiting === undefined ? "" : `\n  waiting: ${waiting}`;
  return `${location} (${tag})\n  delivered to byte ${delivered}${extent}${readText}${why}`;
}

function spoolText(spool: SpoolState, inputs: readonly string[], isRunning: boolean): string {
  const { received, delivered, read, openConnections, lastRefusal, bytes, maxBytes, waiting } = spool;
  const from = inputs.length > 0 ? inputs.join(", ") : "nothing is pushed any more";
  const readText = read === undefined ? "" : `, read to ${read}`;
  const open = openConnections === undefined ? "" : `, ${openConnections} connections are open`;
  const refusal = lastRefusal === undefined ? "" : `\n  last refused: ${lastRefusal}`;
  if (received === 0) {
    const state = isRunning ? "" : "; the agent does not run, and nobody listens";
    return `${SPOOL_LOCATION} (${from})\n  nothing has come yet${open}${state}${refusal}`;
  }
  const why = waiting === undefined ? "" : `\n  waiting: ${waiting}`;
  const share = Math.ceil((bytes / maxBytes) * 100);
  return `${SPOOL_LOCATION} (${from})
  received to byte ${received}, delivered to ${delivered}${readText}
  on disk ${bytes} of ${maxBytes} bytes, ${share} %${open}${refusal}${why}`;
}

/** What the inputs of the spool are called. */
function inputNames({ forward, stdin, line_sockets }: AgentConfig): string[] {
  const names = forward ? ["forward"] : [];
  if (forward?.unix_path !== undefined) names.push(forward.unix_path);
  if (stdin) names.push("stdin");
  return [...names, ...line_sockets.map(({ path }) => path)];
}

function waitingBytes({ size, delivered, waiting }: Position): number | undefined {
  return size === undefined || waiting === undefined ? undefined : size - delivered;
}
