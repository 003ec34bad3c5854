import type { Commit } from "../../wire/commit.ts";
import type { Heartbeat } from "../../wire/heartbeat.ts";
import { HEARTBEAT_PATH } from "../../wire/heartbeat.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import type { CommitRef } from "./commit-ref.ts";
import { Host } from "./host.ts";
import { Source } from "./source.ts";
import type { Freshness } from "./type-sums.ts";

export interface SourcesOptions {
  /** Says which sources are looked at; all if absent. */
  readonly wants?: (source: { readonly host: string; readonly path: string }) => boolean;
  /** Says of which hosts heartbeats are looked at; all if absent. */
  readonly wantsHost?: (host: string) => boolean;
  /** Told of a source that is let go, since there are too many. */
  readonly onLeave: (source: Source) => void;
  /** A source takes about a kilobyte. */
  readonly maxSources?: number;
  readonly maxSettled?: number;
}

const MAX_SOURCES = 50_000;
/** An id and a number each. */
const MAX_SETTLED = 1_000_000;
/** Of the sources, how many are let go at a time: those from which nothing came for longest. */
const LEAVING = 1 / 4;

/**
 * The sources of all commits, by id. Beyond a limit, those that are quiet are judged and let go, and only where they ended
 * is remembered, so that what comes of them later still fits on.
 */
export class Sources {
  readonly hosts = new Map<string, Host>();
  readonly #sources = new Map<string, Source>();
  readonly #settled = new Map<string, number>();
  readonly #options: Required<Pick<SourcesOptions, "onLeave" | "maxSources" | "maxSettled">> & SourcesOptions;
  /** Sources that were let go. */
  settled = 0;
  /** Not even the end is known any more of some sources. */
  hasForgotten = false;

  constructor(options: SourcesOptions) {
    this.#options = { maxSources: MAX_SOURCES, maxSettled: MAX_SETTLED, ...options };
  }

  [Symbol.iterator](): IterableIterator<Source> {
    return this.#sources.values();
  }

  get(id: string): Source | undefined {
    return this.#sources.get(id);
  }

  /** @returns whether what it brings came before, as far as sources tell */
  add(commit: Commit, ref: CommitRef): Freshness | undefined {
    // Where lines are that were rejected before is no proof: their bytes came with an earlier commit, or not at all.
    const isRefiled = commit.consumed?.some(({ kind }) => kind === "rejected") ?? false;
    if (isRefiled) {
      this.#beat(commit, ref);
      return undefined;
    }
    let [bytes, fresh] = [0, 0];
    for (const said of commit.sources) {
      const source = this.#sourceOf(said, ref);
      if (source === undefined) continue;
      source.claim(said.host);
      fresh += source.add(said, ref);
      for (const [from, to] of said.ranges) bytes += to - from;
      for (const { source: earlier, to } of said.gaps) if (earlier !== undefined) this.#goOn(earlier, to);
      this.hosts.get(said.host)?.touched.add(source);
    }
    this.#beat(commit, ref);
    if (this.#sources.size > this.#options.maxSources) this.#leave();
    if (bytes === 0) return undefined;
    return fresh === bytes ? "fresh" : fresh === 0 ? "again" : "partly";
  }

  #sourceOf(said: Commit["sources"][number], ref: CommitRef): Source | undefined {
    const known = this.#sources.get(said.id);
    if (known) return known;
    if (this.#options.wants?.(said) === false) return undefined;
    const source = new Source(said);
    const end = this.#settled.get(said.id);
    if (end !== undefined) {
      source.resume(end, ref);
      this.#settled.delete(said.id);
    }
    this.#sources.set(said.id, source);
    this.host(said.host).sources++;
    return source;
  }

  #goOn(id: string, at: number): void {
    const source = this.#sources.get(id);
    if (source) source.goesOnAt = Math.max(source.goesOnAt, at);
  }

  host(name: string): Host {
    let host = this.hosts.get(name);
    if (host === undefined) this.hosts.set(name, (host = new Host(name)));
    return host;
  }

  /** Notes where heartbeats are that came after the last bytes of sources. */
  #beat({ sources, objects }: Commit, { arrivedTo }: CommitRef): void {
    const object = objects.find(({ kind, type }) => kind === "data" && type === HEARTBEAT_TYPE);
    if (object === undefined) return;
    for (const { host: name, path } of sources) {
      if (path !== HEARTBEAT_PATH || this.#options.wantsHost?.(name) === false) continue;
      const host = this.host(name);
      host.beat(object.key, arrivedTo);
      for (const source of host.touched) {
        if (source.lastAt <= arrivedTo && !source.prove(object.key)) host.touched.delete(source);
      }
    }
  }

  /** What an agent says. A file of which nothing was delivered yet is a source as well. */
  tell({ host: name, agent, sources }: Heartbeat, arrivedAt: Date): void {
    if (this.#options.wantsHost?.(name) === false) return;
    const host = this.host(name);
    host.tell(agent, arrivedAt);
    for (const told of sources) {
      const { id, path } = told;
      let source = this.#sources.get(id);
      if (source === undefined) {
        if (this.#options.wants?.({ host: name, path }) === false || this.#settled.has(id)) continue;
        this.#sources.set(id, (source = new Source({ id, host: name, path })));
        host.sources++;
      }
      source.tell({ ...told, arrivedAt });
    }
  }

  #leave(): void {
    const byAge = [...this.#sources.values()].toSorted((a, b) => (a.lastAt < b.lastAt ? -1 : 1));
    for (const source of byAge.slice(0, Math.ceil(byAge.length * LEAVING))) {
      this.#options.onLeave(source);
      this.#sources.delete(source.id);
      this.hosts.get(source.host)?.touched.delete(source);
      this.#settled.set(source.id, source.end);
      this.settled++;
    }
    for (const id of this.#settled.keys()) {
      if (this.#settled.size <= this.#options.maxSettled) break;
      this.#settled.delete(id);
      this.hasForgotten = true;
    }
    for (const name of this.hosts.keys()) {
      if (this.hosts.size <= this.#options.maxSources) break;
      this.hosts.delete(name);
    }
  }
}
