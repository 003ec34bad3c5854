import { undelivered } from "./judge-hosts.ts";
import { type Circumstances, missingHoles } from "./judge-source.ts";
import type { LeftOut, Source } from "./source.ts";

const MAX_RANGES = 20;

/** What there is to say of one source. */
export interface SourceReport {
  readonly id: string;
  readonly host: string;
  readonly path: string;
  readonly types: readonly string[];
  /** The first of the ranges of delivered lines, and how many there are. */
  readonly delivered: readonly (readonly [from: number, to: number])[];
  readonly ranges: number;
  readonly bytes: number;
  /** Bytes that came more than once. */
  readonly againBytes: number;
  readonly leftOut: readonly LeftOut[];
  readonly missing: readonly (readonly [from: number, to: number])[];
  /** Where what is delivered or left out ends. */
  readonly end: number;
  readonly firstAt?: string;
  readonly lastAt?: string;
  /** As its agent said last: what the file held, and was read to. Absent where nothing is known. */
  readonly size?: number;
  readonly read?: number;
  readonly finalSize?: number;
  readonly endReachedAt?: string;
  readonly state?: string;
  readonly error?: string;
  readonly toldAt?: string;
  /** Of holes that may be filled yet, since what is around them has just arrived. */
  readonly pendingBytes: number;
  /** In the file and not delivered, as its agent said last. */
  readonly lagBytes: number;
  /** `proven`: its agent has told its final size, and every byte up to there is there or left out for a reason. */
  readonly whole: "proven" | "open" | "unknown" | "missing";
  readonly otherHosts: readonly string[];
  /** Lines that claim bytes which another line claims. */
  readonly conflicts: number;
}

export function reportSource(source: Source, circumstances: Circumstances): SourceReport {
  const { id, host, path, types, ranges, leftOut, end, told, firstAt, lastAt, otherHosts, conflicts } =
    source;
  const { missing, pending } = missingHoles(source, circumstances);
  return {
    id,
    host,
    path,
    types,
    delivered: [...ranges].slice(0, MAX_RANGES),
    ranges: ranges.size,
    bytes: ranges.bytes,
    againBytes: ranges.againBytes,
    leftOut,
    missing: missing.slice(0, MAX_RANGES).map(({ from, to }) => [from, to] as const),
    end,
    ...(firstAt !== "" && { firstAt, lastAt }),
    ...(told && toldOf(told)),
    pendingBytes: pending.reduce((sum, { from, to }) => sum + to - from, 0),
    lagBytes: undelivered(source),
    whole: wholeness(source, missing.length > 0, circumstances),
    otherHosts,
    conflicts,
  };
}

function toldOf({
  size,
  read,
  finalSize,
  endReachedAt,
  state,
  error,
  arrivedAt,
}: NonNullable<Source["told"]>) {
  return {
    size,
    read,
    ...(finalSize !== null && { finalSize }),
    ...(endReachedAt !== null && { endReachedAt }),
    state,
    ...(error !== undefined && { error }),
    toldAt: arrivedAt.toISOString(),
  };
}

function wholeness(source: Source, isMissing: boolean, { beginsLate }: Circumstances): SourceReport["whole"] {
  if (isMissing) return "missing";
  if (source.isWhole(beginsLate ? source.explained.begin : 0)) return "proven";
  return source.told === undefined ? "unknown" : "open";
}
