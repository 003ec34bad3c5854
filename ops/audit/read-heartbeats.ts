import { readHeartbeats } from "../../lambdas/commit-log/heartbeats.ts";
import { readAhead } from "../../lambdas/commit-log/read-ahead.ts";
import type { Place } from "../access/place.ts";
import type { Audit } from "./audit.ts";

/** The ends of so many sources are looked up one by one, the newest first. */
const MAX_OBJECTS = 2_000;
const READ_AHEAD = { items: 16, bytes: Infinity };

/** What was read of heartbeats. */
export interface ReadHeartbeats {
  /** Objects that are gone or spoilt, or hold what is no heartbeat. */
  readonly unreadable: number;
  /** Objects that may prove the ends of sources, and were not looked at since there are too many. */
  readonly left: number;
}

/**
 * Reads what agents said last: of each host, and of sources that had ended before, the heartbeats that came after their
 * last bytes.
 */
export async function tellHeartbeats(audit: Audit, { s3, bucket }: Place): Promise<ReadHeartbeats> {
  const last = new Set(
    [...audit.sources.hosts.values()].flatMap(({ lastBeats }) => lastBeats.map(({ key }) => key)),
  );
  let unreadable = 0;
  const tell = async (keys: Iterable<string>): Promise<void> => {
    const objects = async function* (): AsyncGenerator<{ key: string; bytes: number }> {
      for (const key of keys) yield { key, bytes: 0 };
    };
    const read = ({ key }: { readonly key: string }) =>
      Array.fromAsync(readHeartbeats(s3, bucket, key)).catch((error: unknown) => ({ failed: error }));
    for await (const { result } of readAhead(objects(), read, READ_AHEAD)) {
      if ("failed" in result) throw result.failed;
      for (const one of result) {
        if ("error" in one) unreadable++;
        else audit.tell(one.heartbeat, one.arrivedAt);
      }
    }
  };
  await tell(last);
  const proofs = proofsOf(audit).filter((key) => !last.has(key));
  await tell(proofs.slice(0, MAX_OBJECTS));
  return { unreadable, left: Math.max(0, proofs.length - MAX_OBJECTS) };
}

/** Of sources whose end nobody has told yet, the newest first. */
function proofsOf(audit: Audit): string[] {
  const open = [...audit.sources].filter(({ finalSize }) => finalSize === undefined);
  const byAge = open.toSorted((a, b) => (a.lastAt > b.lastAt ? -1 : 1));
  return [...new Set(byAge.flatMap(({ proofs }) => proofs))];
}
