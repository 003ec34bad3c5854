import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import type { Audit, AuditResult } from "./audit.ts";
import { counted, grouped } from "../access/figures.ts";
import type { Evidence } from "./report.ts";

const MAX_NAMED = 5;

/** Of all files. */
interface SourceSums {
  readonly lagBytes: number;
  readonly lagging: number;
  readonly pendingBytes: number;
  /** Files that their agents cannot read, with the reason. */
  readonly failing: readonly string[];
}

/** What is no fault and good to know: what waits, what was left out on purpose, and what cannot be known. */
export function notesOf(
  audit: Audit,
  result: AuditResult,
  evidence: Evidence,
  { lagBytes, lagging, pendingBytes, failing }: SourceSums,
): string[] {
  const { source, host } = evidence.options;
  const isAsked = source !== undefined || host !== undefined;
  return [
    ...waitingNotes(result),
    ...(pendingBytes > 0
      ? [`${counted(pendingBytes, "byte")} between others that have just arrived may be on their way`]
      : []),
    ...(lagBytes > 0 ? [`${counted(lagBytes, "byte")} of ${files(lagging)} are not delivered yet`] : []),
    ...(failing.length > 0 ? [`their agents cannot read ${list(failing)}`] : []),
    ...(isAsked ? [] : lakeNotes(audit, result)),
    ...hostNotes(result),
    ...unknownNotes(audit, evidence),
  ];
}

function* waitingNotes({ tables }: AuditResult): Generator<string> {
  for (const { table, waiting, setAside } of tables) {
    if (waiting > 0) yield `${grouped(waiting)} rows wait for the loader to bring them to ${table}`;
    if (setAside > 0) {
      yield `${grouped(setAside)} rows that the warehouse refused for ${table} are set aside: weir loads retry ${table}, once it is mended`;
    }
  }
}

function* lakeNotes(
  audit: Audit,
  { types, quarantined, replayed, repeated }: AuditResult,
): Generator<string> {
  for (const { type, rejected } of types) {
    if (rejected > 0) {
      yield `${grouped(rejected)} lines of ${type} are rejected: weir replay --rejected ${type}, once the configuration is mended`;
    }
  }
  if (quarantined > 0) {
    yield `${grouped(quarantined)} records are quarantined, since they could not be opened: weir replay --quarantined`;
  }
  for (const [reason, { bytes, lines, sources }] of leftOut(audit)) {
    yield `${counted(bytes, "byte")} (${grouped(lines)} lines) of ${files(sources)} were left out by their agents: ${reason}`;
  }
  if (repeated > 0)
    yield `${grouped(repeated)} commits are of batches that came before: their rows are counted once`;
  if (replayed.length > 0) {
    yield `${grouped(replayed.length)} batches in the failure bucket are in the lake by now: weir replay --failed moves them away`;
  }
}

/** By reason. */
function leftOut(audit: Audit): Map<string, { bytes: number; lines: number; sources: number }> {
  const reasons = new Map<string, { bytes: number; lines: number; sources: number }>();
  for (const source of audit.sources) {
    for (const { reason, bytes, lines } of source.leftOut) {
      if (reason === "earlier-identity") continue;
      const sum = reasons.get(reason) ?? { bytes: 0, lines: 0, sources: 0 };
      reasons.set(reason, { bytes: sum.bytes + bytes, lines: sum.lines + lines, sources: sum.sources + 1 });
    }
  }
  return reasons;
}

function* hostNotes({ hosts }: AuditResult): Generator<string> {
  const named = (state: string): string[] =>
    hosts.filter((host) => host.state === state && host.undeliveredBytes === 0).map(({ host }) => host);
  const [silent, stopped, unknown] = [named("silent"), named("stopped"), named("unknown")];
  if (silent.length > 0) {
    yield `silent: ${list(silent)}; all that their agents knew of is delivered, and what they have written since nobody knows`;
  }
  if (stopped.length > 0) yield `stopped: ${list(stopped)}; all that their agents knew of is delivered`;
  if (unknown.length > 0) {
    yield `no heartbeats of ${list(unknown)}: how far their files are, and where they end, cannot be known`;
  }
}

function* unknownNotes(
  audit: Audit,
  { beginsLate, options, heartbeats, hasNoLoader }: Evidence,
): Generator<string> {
  if (options.since)
    yield `what came to the log before ${options.since.toISOString()} is not looked at: files may have begun before`;
  else if (beginsLate) yield "the beginning of the log is not there any more: files may have begun before";
  if (audit.sources.settled > 0) {
    yield `${files(audit.sources.settled)} from which nothing came for long were looked at and put aside, as there are very many`;
  }
  if (heartbeats.unreadable > 0) {
    yield `${grouped(heartbeats.unreadable)} objects or rows of ${HEARTBEAT_TYPE} could not be read`;
  }
  if (heartbeats.left > 0) {
    yield `the ends of some files were not looked up, in ${grouped(heartbeats.left)} objects of ${HEARTBEAT_TYPE}: ask with --source or --host`;
  }
  if (hasNoLoader) yield "there is no warehouse: rows stay in the lake";
}

export const files = (count: number): string => counted(count, "file");

function list(names: readonly string[]): string {
  const more = names.length > MAX_NAMED ? ` and ${grouped(names.length - MAX_NAMED)} more` : "";
  return `${names.slice(0, MAX_NAMED).join(", ")}${more}`;
}
