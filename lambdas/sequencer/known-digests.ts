import type { KnownHead, LogHeads } from "./log-heads.ts";

/** Digests of commits in the log: those of all whose keys sort at or after some key, and others. */
export class KnownDigests {
  readonly #sets: ReadonlySet<string>[] = [];

  /**
   * Reads back from the last segment. Segments before one whose `listedTo` sorts before the key hold no such key
   * from a listing; those of the sweep are looked at only where a sweep has found such a key at all.
   */
  static async from(key: string, last: KnownHead | undefined, heads: LogHeads): Promise<KnownDigests> {
    const known = new KnownDigests();
    let segment = last;
    for (; segment && segment.head.listedTo >= key; segment = await before(segment, heads))
      known.#add(segment);
    const rest = segment && (segment.head.found === "sweep" ? segment : await sweepBefore(segment, heads));
    for (let sweep = rest; sweep && sweep.head.sweptTo >= key; sweep = await sweepBefore(sweep, heads)) {
      known.#add(sweep);
    }
    return known;
  }

  #add({ digests }: KnownHead): void {
    this.#sets.push(digests);
  }

  has(digest: string): boolean {
    return this.#sets.some((digests) => digests.has(digest));
  }
}

async function before({ head }: KnownHead, heads: LogHeads): Promise<KnownHead | undefined> {
  return head.segment === 1 ? undefined : heads.head(head.segment - 1);
}

export async function sweepBefore({ head }: KnownHead, heads: LogHeads): Promise<KnownHead | undefined> {
  return head.sweepBefore === 0 ? undefined : heads.head(head.sweepBefore);
}
