import type { Finding } from "./finding.ts";
import { counted, grouped } from "../access/figures.ts";
import type { Source } from "./source.ts";
import type { Sources } from "./sources.ts";

/** Agents beat once a minute unless they are told otherwise. */
const SILENT_MS = 5 * 60_000;

/** What became of a host. */
export interface HostReport {
  readonly host: string;
  readonly sources: number;
  /** `stopped`: its agent was asked to end. `unknown`: it sends no heartbeats, or none was read. */
  readonly state: "beating" | "silent" | "stopped" | "unknown";
  /** When Kinesis took its last heartbeat. */
  readonly lastBeatAt?: string;
  /** In files whose agent knew of them, and not delivered. */
  readonly undeliveredBytes: number;
}

const MAX_NAMED = 3;

/**
 * Hosts that went silent are at fault where they had more than they have delivered: others may have been shut down.
 *
 * @param tellsAll also of hosts without any file that is looked at
 */
export function judgeHosts(
  sources: Sources,
  now: Date,
  tellsAll: boolean,
): { hosts: HostReport[]; findings: Finding[] } {
  const behind = new Map<string, Source[]>();
  const began = beginnings(sources);
  for (const source of sources) {
    if (undelivered(source) > 0 && !wasNamedSince(source, began))
      behind.set(source.host, [...(behind.get(source.host) ?? []), source]);
  }
  const hosts: HostReport[] = [];
  const findings: Finding[] = [];
  for (const host of sources.hosts.values()) {
    const { name, lastToldAt, isStopping } = host;
    if (host.sources === 0 && !tellsAll) continue;
    const own = behind.get(name) ?? [];
    const undeliveredBytes = own.reduce((sum, source) => sum + undelivered(source), 0);
    const isSilent = lastToldAt !== undefined && now.getTime() - lastToldAt.getTime() > SILENT_MS;
    const state =
      lastToldAt === undefined ? "unknown" : !isSilent ? "beating" : isStopping ? "stopped" : "silent";
    const lastBeatAt = lastToldAt?.toISOString();
    hosts.push({
      host: name,
      sources: host.sources,
      state,
      ...(lastBeatAt && { lastBeatAt }),
      undeliveredBytes,
    });
    if (state !== "silent" && state !== "stopped") continue;
    if (undeliveredBytes > 0) findings.push(leftBehind(name, state, lastBeatAt!, own, undeliveredBytes));
  }
  return { hosts: hosts.toSorted((a, b) => (a.host < b.host ? -1 : 1)), findings };
}

/** When the last source of each name began to be delivered. */
function beginnings(sources: Sources): ReadonlyMap<string, string> {
  const began = new Map<string, string>();
  for (const { name, firstAt } of sources) if (firstAt > (began.get(name) ?? "")) began.set(name, firstAt);
  return began;
}

/**
 * A file's first line makes its id: an agent that has not read it yet tells of the file under another, of which nothing
 * comes. What was at the same path and is lost is told with an error.
 */
function wasNamedSince({ told, commits, name }: Source, began: ReadonlyMap<string, string>): boolean {
  if (told === undefined || commits > 0 || told.read > 0 || told.error !== undefined) return false;
  return (began.get(name) ?? "") >= told.arrivedAt.toISOString();
}

/** Bytes that the agent knew of and that are not in the lake; what Kinesis had acknowledged is another fault. */
export function undelivered({ told, end, acknowledgedEnd }: Source): number {
  if (told === undefined || told.gap !== undefined) return 0;
  return Math.max(0, told.size - Math.max(end, acknowledgedEnd));
}

function leftBehind(
  host: string,
  state: "silent" | "stopped",
  at: string,
  sources: readonly Source[],
  count: number,
): Finding {
  const files = sources.map(
    ({ path, end, told }) => `${path} (delivered to ${grouped(end)} of ${grouped(told!.size)})`,
  );
  const more = files.length > MAX_NAMED ? ` and ${grouped(files.length - MAX_NAMED)} more` : "";
  const text = `${host} is ${state} since ${at}, with ${counted(count, "byte")} that it had not delivered: ${files.slice(0, MAX_NAMED).join(", ")}${more}`;
  return { kind: "undelivered", subject: host, text, count };
}
