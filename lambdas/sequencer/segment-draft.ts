import { commitMinute } from "../../wire/keys.ts";
import { headKeys, keyDigest, SegmentEncoder, type SegmentHead } from "../../wire/segment.ts";
import type { CommitSummary } from "./commit-summary.ts";
import type { KnownHead } from "./log-heads.ts";
import { NameList } from "./name-list.ts";
import type { CommitLine } from "./read-commit.ts";
import type { SequencerLimits } from "./sequencer-parts.ts";

/** A segment in the making. What it takes is packed at once. */
export class SegmentDraft {
  readonly #limits: SequencerLimits;
  readonly #encoder = new SegmentEncoder();
  readonly #digests: string[] = [];
  readonly #names = { types: new NameList(), hours: new NameList(), hosts: new NameList() };
  #bytes = 0;
  #opaque = 0;
  #unreadable = 0;
  #greatest = "";
  #oldest: Date | undefined;
  #newest: Date | undefined;

  constructor(limits: SequencerLimits) {
    this.#limits = limits;
  }

  get commits(): number {
    return this.#digests.length;
  }

  get unreadable(): number {
    return this.#unreadable;
  }

  hasRoom({ line }: CommitLine): boolean {
    if (this.commits === 0) return true;
    return this.commits < this.#limits.commits && this.#bytes + line.length <= this.#limits.bytes;
  }

  async add(key: string, { line, summary, unreadable }: CommitLine): Promise<void> {
    this.#digests.push(keyDigest(key));
    this.#bytes += line.length;
    if (key > this.#greatest) this.#greatest = key;
    if (unreadable !== undefined) this.#unreadable++;
    const minute = commitMinute(key);
    if (minute && !(this.#oldest && this.#oldest <= minute)) this.#oldest = minute;
    if (minute && !(this.#newest && this.#newest >= minute)) this.#newest = minute;
    if (summary) this.#note(summary);
    else this.#opaque++;
    await this.#encoder.write(line);
  }

  #note(summary: CommitSummary): void {
    for (const kind of ["types", "hours", "hosts"] as const) {
      for (const name of summary[kind]) this.#names[kind].add(name);
    }
  }

  /** The segment that comes after `last`. Nothing can be added after. */
  async end(
    last: KnownHead | undefined,
    { found, coveredTo, sequencedAt }: Pick<SegmentHead, "found" | "coveredTo"> & { sequencedAt: Date },
  ): Promise<{ head: SegmentHead; bytes: Buffer }> {
    const before = last?.head;
    const [listed, swept] = found === "listing" ? [this.#greatest, ""] : ["", this.#greatest];
    const head: SegmentHead = {
      version: 1,
      segment: (before?.segment ?? 0) + 1,
      found,
      commits: this.commits,
      opaque: this.#opaque,
      bytes: this.#bytes,
      sequencedAt: sequencedAt.toISOString(),
      coveredTo,
      listedTo: greater(before?.listedTo, listed),
      sweptTo: greater(before?.sweptTo, swept),
      sweepBefore: (before?.found === "sweep" ? before.segment : before?.sweepBefore) ?? 0,
      ...(this.#oldest && { oldest: this.#oldest.toISOString() }),
      ...(this.#newest && { newest: this.#newest.toISOString() }),
      ...this.#listed("types"),
      ...this.#listed("hours"),
      ...this.#listed("hosts"),
      keys: headKeys(this.#digests),
    };
    return { head, bytes: await this.#encoder.end(head) };
  }

  #listed(kind: "types" | "hours" | "hosts"): Partial<Record<typeof kind, string[]>> {
    const { names } = this.#names[kind];
    return names ? { [kind]: names } : {};
  }
}

const greater = (a = "", b = ""): string => (a > b ? a : b);
