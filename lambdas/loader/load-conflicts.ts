import type { DataApi, Value } from "./data-api.ts";
import type { LoadParts } from "./load.ts";
import type { OpenLoad } from "./open-load.ts";
import type { Outcome } from "./outcome.ts";
import { quoteText, type Target } from "./target.ts";

/** A line as it came: what tells two that claim one place apart. */
interface Claimant {
  readonly crc: number;
  readonly host: string | undefined;
  readonly arrivedAt: string;
}

/** Two lines that claim one place. Both are in the table. */
export interface ConflictExample {
  readonly src: string;
  readonly off: number;
  /** What was there, or arrived first. */
  readonly first: Claimant;
  readonly second: Claimant;
}

export interface LoadConflicts {
  readonly count: number;
  readonly example: ConflictExample | undefined;
}

/**
 * What a load that is over has inserted beside another row of its place. Only the slow path compares; of a load whose
 * end nobody saw, weir.conflicts alone knows.
 *
 * @returns undefined where there is nothing
 */
export async function conflictsOf(
  load: OpenLoad,
  target: Target,
  outcome: Extract<Outcome, { kind: "loaded" | "loaded-before" }>,
  { api, log }: LoadParts,
): Promise<LoadConflicts | undefined> {
  const count = outcome.kind === "loaded" ? outcome.conflicts : undefined;
  if (load.path === "fast" || count === 0) return undefined;
  try {
    const conflicts = await readConflicts(load, target, api);
    return conflicts.count > 0 ? conflicts : undefined;
  } catch (error) {
    // The load is not to be held up by it. One, at least, is told, so that somebody looks.
    log.error("conflicts of a load cannot be read", { loadId: load.id, table: target.name, count, error });
    return { count: count ?? 1, example: undefined };
  }
}

/** @throws LoaderError */
async function readConflicts({ id }: OpenLoad, { name }: Target, api: DataApi): Promise<LoadConflicts> {
  const [row] = await api.ask([
    `SELECT count(*) OVER (), src, "off", other_crc, other_host, CAST(other_arrived_at AS varchar),
  crc, host, CAST(arrived_at AS varchar)
FROM weir.conflicts WHERE load_id = ${quoteText(id)} AND target = ${quoteText(name)} ORDER BY arrived_at, src, "off" LIMIT 1`,
  ]);
  if (row === undefined) return { count: 0, example: undefined };
  const [count, src, off, ...claimants] = row;
  return {
    count: Number(count),
    example: {
      src: String(src),
      off: Number(off),
      first: claimant(claimants.slice(0, 3)),
      second: claimant(claimants.slice(3)),
    },
  };
}

function claimant([crc, host, arrivedAt]: readonly Value[]): Claimant {
  return {
    crc: Number(crc),
    host: host === undefined ? undefined : String(host),
    arrivedAt: String(arrivedAt),
  };
}
