import type { Commit } from "../../wire/commit.ts";
import type { Heartbeat } from "../../wire/heartbeat.ts";
import type { GapReason } from "../../wire/provenance.ts";
import type { CommitRef } from "./commit-ref.ts";
import { TrackedRanges } from "./tracked-ranges.ts";

export type SourceRanges = Commit["sources"][number];
type ToldSource = Heartbeat["sources"][number];

/** What was left out on purpose, for one reason. */
export interface LeftOut {
  readonly reason: GapReason;
  readonly bytes: number;
  readonly lines: number;
}

/** What the agent said last of a source, and when Kinesis took that. */
export type Told = ToldSource & { readonly arrivedAt: Date };

/** Objects of heartbeats after a source's last bytes, which may say that it has ended. */
const MAX_PROOFS = 3;

/** One generation of one file: what of it is delivered, and what its agent says of it. */
export class Source {
  readonly id: string;
  readonly host: string;
  /** As the agent last knew it; a rotation may have renamed the file since. */
  path: string;
  readonly ranges = new TrackedRanges();
  types: readonly string[] = [];
  leftOut: readonly LeftOut[] = [];
  /** Lines that claim bytes which another line claims. */
  conflicts = 0;
  commits = 0;
  firstAt = "";
  lastAt = "";
  /** Hosts that claim it as well. */
  otherHosts: readonly string[] = [];
  /** Another source goes on where this one ended, up to here. */
  goesOnAt = 0;
  told: Told | undefined;
  /** Apart from the ranges once something was left out: of most files nothing is. */
  #explained: TrackedRanges | undefined;
  /** Keys of objects with heartbeats of its host that came after its last bytes. */
  proofs: readonly string[] = [];

  constructor({ id, host, path }: Pick<SourceRanges, "id" | "host" | "path">) {
    this.id = id;
    this.host = host;
    this.path = path;
  }

  /** What is delivered, and what was left out on purpose: what is not in here, nothing explains. */
  get explained(): TrackedRanges {
    return this.#explained ?? this.ranges;
  }

  get name(): string {
    return `${this.host}:${this.path}`;
  }

  /** Where what is delivered or explained ends. */
  get end(): number {
    return this.explained.end;
  }

  /** @returns how many of the bytes of lines were new */
  add(said: SourceRanges, commit: CommitRef): number {
    this.commits++;
    this.conflicts += said.conflicts;
    if (said.types.some((type) => !this.types.includes(type))) {
      this.types = [...new Set([...this.types, ...said.types])];
    }
    if (this.firstAt === "" || commit.arrivedFrom < this.firstAt) this.firstAt = commit.arrivedFrom;
    if (commit.arrivedTo > this.lastAt) {
      this.lastAt = commit.arrivedTo;
      if (said.path !== this.path) this.path = said.path;
      this.proofs = [];
    }
    let fresh = 0;
    for (const [from, to] of said.ranges) {
      fresh += this.ranges.add(from, to, commit);
      this.#explained?.add(from, to, commit);
    }
    for (const { from, to, reason, lines } of said.gaps) {
      this.#explained ??= this.ranges.copy();
      const bytes = this.#explained.add(from, to, commit);
      // Whoever reads the bytes again states the same gap.
      if (bytes > 0) this.#leaveOut(reason, bytes, lines);
    }
    return fresh;
  }

  /** Takes it up where it was put aside. */
  resume(end: number, commit: CommitRef): void {
    this.ranges.add(0, end, commit);
  }

  #leaveOut(reason: GapReason, bytes: number, lines: number): void {
    const known = this.leftOut.find((one) => one.reason === reason);
    const sum = { reason, bytes: bytes + (known?.bytes ?? 0), lines: lines + (known?.lines ?? 0) };
    this.leftOut = [...this.leftOut.filter((one) => one !== known), sum];
  }

  claim(host: string): void {
    if (host !== this.host && !this.otherHosts.includes(host)) this.otherHosts = [...this.otherHosts, host];
  }

  tell(told: Told): void {
    if (this.told === undefined || told.arrivedAt >= this.told.arrivedAt) this.told = told;
  }

  /** @returns whether later ones are wanted as well */
  prove(key: string): boolean {
    if (!this.proofs.includes(key)) this.proofs = [...this.proofs, key];
    return this.proofs.length < MAX_PROOFS;
  }

  /** Where the file ended, as its agent said; undefined while it may grow, or where nothing is known. */
  get finalSize(): number | undefined {
    return this.told?.finalSize ?? undefined;
  }

  /** Every byte up to the end that its agent has told is delivered, or left out for a reason. */
  isWhole(from: number): boolean {
    return this.finalSize !== undefined && this.explained.covers(from, this.acknowledgedEnd);
  }

  /** Where what Kinesis has acknowledged ends, but for what was left out on purpose after it. */
  get acknowledgedEnd(): number {
    if (this.told === undefined) return this.end;
    const { delivered, gap, finalSize } = this.told;
    const leftOutFrom = gap === undefined ? Infinity : (gap.before?.from ?? gap.from);
    return Math.min(Math.max(delivered, finalSize ?? 0), leftOutFrom);
  }
}
