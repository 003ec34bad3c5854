import type { Heartbeat } from "../../wire/heartbeat.ts";
import type { StoredHeartbeat } from "../commit-log/heartbeats.ts";
import type { FleetFile, FleetHost, FleetLimits, FleetState } from "./fleet-state.ts";
import { isOpen } from "./trouble.ts";

type SourceReport = Heartbeat["sources"][number];

/** Characters of what hosts say that are kept. The end of a path tells more than its beginning. */
const PATH_CHARS = 300;
const ERROR_CHARS = 200;
const ID_CHARS = 64;
const VERSION_CHARS = 40;
const TIME_CHARS = 40;

/** An agent that looks at a file so often, and finds its end each time, waits for the end of a line. */
const AT_END_MS = 120_000;

/** Parts of one heartbeat may arrive so far apart. */
const REORDERED_MS = 60_000;

/** The hosts, as their heartbeats tell of them, in whatever order these come. */
export class Fleet {
  readonly hosts: Map<string, FleetHost>;
  heardAt: number | null;
  /** Hosts of this run that there is no room for, up to a limit. */
  readonly leftOut = new Set<string>();
  readonly #limits: FleetLimits;
  #files: number;
  #departed: string[] | undefined;

  constructor({ hosts, heardAt }: Pick<FleetState, "hosts" | "heardAt">, limits: FleetLimits) {
    this.hosts = new Map(hosts.map((host) => [host.host, host]));
    this.heardAt = heardAt;
    this.#limits = limits;
    this.#files = hosts.reduce((sum, { files }) => sum + files.length, 0);
  }

  /** Takes it in. One that is older than what its host, or file, has told since says nothing of it. */
  take({ heartbeat, arrivedAt }: Pick<StoredHeartbeat, "heartbeat" | "arrivedAt">): void {
    const at = arrivedAt.getTime();
    const beatAt = heartbeat.at.slice(0, TIME_CHARS);
    this.heardAt = Math.max(this.heardAt ?? at, at);
    const host = this.#host(heartbeat, at);
    if (host === undefined) return;
    if (at >= host.seenAt) {
      host.seenAt = at;
      host.isStopped = heartbeat.agent.stopping === true;
      host.version = heartbeat.agent.version.slice(0, VERSION_CHARS);
      if (host.more.at !== beatAt) host.more = { at: beatAt, files: 0, bytes: 0 };
    }
    for (const source of heartbeat.sources) this.#takeSource(host, source, beatAt, at);
  }

  forget(host: string): void {
    this.#files -= this.hosts.get(host)?.files.length ?? 0;
    this.hosts.delete(host);
  }

  drop(host: FleetHost, gone: ReadonlySet<FleetFile>): void {
    this.#files -= gone.size;
    host.files = host.files.filter((file) => !gone.has(file));
  }

  #host({ host: name, agent }: Heartbeat, seenAt: number): FleetHost | undefined {
    const known = this.hosts.get(name);
    if (known) return known;
    if (this.hosts.size >= this.#limits.hosts && !this.#makeRoom()) {
      if (this.leftOut.size < this.#limits.hosts) this.leftOut.add(name);
      return undefined;
    }
    const { version } = agent;
    const more = { at: "", files: 0, bytes: 0 };
    const host: FleetHost = { host: name, version, seenAt, isStopped: false, files: [], more };
    this.hosts.set(name, host);
    return host;
  }

  /** An agent that was asked to end leaves its place to another one, the first to go first. */
  #makeRoom(): boolean {
    this.#departed ??= [...this.hosts.values()]
      .filter(({ isStopped, silent }) => isStopped && !isOpen(silent))
      .sort((a, b) => b.seenAt - a.seenAt)
      .map(({ host }) => host);
    const first = this.#departed.pop();
    if (first === undefined) return false;
    this.forget(first);
    return true;
  }

  #takeSource(host: FleetHost, source: SourceReport, beatAt: string, at: number): void {
    const id = source.id.slice(0, ID_CHARS);
    const known = host.files.find((file) => file.id === id);
    if (known) {
      if (at >= known.seenAt) update(known, source, beatAt, at);
      return;
    }
    if (isDelivered(source, beatAt) && source.error === undefined) return;
    // What was waiting then may be delivered by now, and is not known any more.
    if (at < host.seenAt - REORDERED_MS) return;
    if (host.files.length >= this.#limits.filesPerHost || this.#files >= this.#limits.files) {
      host.more.files++;
      host.more.bytes += waiting(source);
      return;
    }
    this.#files++;
    const { size, delivered } = source;
    const file: FleetFile = {
      id,
      path: clipped(source.path),
      size,
      delivered,
      since: at,
      seenAt: at,
      lagMs: null,
      isWell: false,
    };
    update(file, source, beatAt, at);
    host.files.push(file);
  }
}

function update(file: FleetFile, source: SourceReport, beatAt: string, at: number): void {
  const { size, delivered, error } = source;
  const isWell = isDelivered(source, beatAt);
  if (isWell || file.isWell || delivered > file.delivered) file.since = at;
  file.isWell = isWell;
  file.path = clipped(source.path);
  file.size = size;
  file.delivered = Math.max(file.delivered, delivered);
  file.seenAt = at;
  file.lagMs = lagMs(source, beatAt);
  if (error === undefined) delete file.error;
  else file.error = { text: error.slice(0, ERROR_CHARS), since: file.error?.since ?? at };
}

/** Nothing is left that could be sent: a line that has only begun waits for its end. */
function isDelivered(source: SourceReport, beatAt: string): boolean {
  const { size, read, delivered } = source;
  if (delivered >= size) return true;
  const lag = lagMs(source, beatAt);
  return delivered >= read && lag !== null && lag < AT_END_MS;
}

/** Both times are by the host's clock, so what it is set to does not matter. */
function lagMs({ endReachedAt }: SourceReport, beatAt: string): number | null {
  return endReachedAt === null ? null : Math.max(0, Date.parse(beatAt) - Date.parse(endReachedAt));
}

export const waiting = ({ size, delivered }: Pick<FleetFile, "size" | "delivered">): number =>
  Math.max(0, size - delivered);

const clipped = (path: string): string => (path.length > PATH_CHARS ? `…${path.slice(-PATH_CHARS)}` : path);
