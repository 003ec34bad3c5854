import type { FleetFile, FleetHost, FleetSettings } from "./fleet-state.ts";
import { type Fleet, waiting } from "./fold.ts";
import { type Change, changeOf, follow, isOpen, told, type Trouble } from "./trouble.ts";

/** What is wrong with the fleet as a whole. */
export interface FleetTroubles {
  silent?: Trouble | undefined;
  crowded?: Trouble | undefined;
}

/** What is told: of a host, of one of its files, or of all. */
export interface Notice {
  readonly kind: "fleet-silent" | "crowded" | "silent" | "stalled" | "stuck" | "unreadable" | "lost";
  /** Forgotten: it is over, since nobody is expected back. Gone: the agent does not name the file any more. */
  readonly change: Exclude<Change, undefined> | "forgotten" | "gone";
  readonly since: number;
  readonly host?: FleetHost;
  readonly file?: FleetFile;
  /** Notes that it was told. */
  readonly told: () => void;
}

/** An error that is there in two heartbeats does not pass by itself. */
const UNREADABLE_MS = 110_000;
/** A file that no heartbeat has named for so long, though its host was heard, is not followed any more. */
const GONE_MS = 10 * 60_000;

/**
 * What is wrong with each host and file by now, and what of that nobody was told yet.
 *
 * Silence is measured against the last heartbeat of any host: where none arrives, that is one trouble of its own, of the
 * way that they come as likely as of the hosts, and says nothing of each of them.
 */
export class Judge {
  readonly #fleet: Fleet;
  readonly #troubles: FleetTroubles;
  readonly #settings: FleetSettings;
  readonly #now: number;
  readonly #isAtEnd: boolean;
  /** Up to when hosts are known of. */
  readonly #heardTo: number;

  /** @param isAtEnd of the log: else there are heartbeats that it does not know of */
  constructor(fleet: Fleet, troubles: FleetTroubles, settings: FleetSettings, now: number, isAtEnd = true) {
    this.#fleet = fleet;
    this.#troubles = troubles;
    this.#settings = settings;
    this.#now = now;
    this.#isAtEnd = isAtEnd;
    this.#heardTo = Math.min(now, fleet.heardAt ?? now);
  }

  /** Brings every trouble up to date. @returns what is to be told */
  notices(): Notice[] {
    const notices = [...this.#ofFleet()];
    if (notices.some(({ change }) => change === "forgotten")) return notices;
    for (const host of this.#fleet.hosts.values()) notices.push(...this.#ofHost(host));
    return notices;
  }

  *#ofFleet(): Generator<Notice> {
    const troubles = this.#troubles;
    const { hosts, heardAt, leftOut } = this.#fleet;
    const isExpected = expectedHosts(this.#fleet, this.#settings).length > 0;
    const quietMs = this.#now - (heardAt ?? this.#now);
    const silentSince = isExpected && quietMs >= this.#settings.silentMs ? heardAt! : undefined;
    if (this.#isAtEnd) troubles.silent = follow(troubles.silent, silentSince, this.#now);
    if (isOpen(troubles.silent) && quietMs >= this.#settings.forgetMs) {
      const forgetAll = (): void => {
        for (const host of hosts.keys()) this.#fleet.forget(host);
        troubles.silent = undefined;
      };
      yield { kind: "fleet-silent", change: "forgotten", since: troubles.silent.since, told: forgetAll };
      return;
    }
    yield* this.#notice(troubles, "silent", "fleet-silent", {});
    const crowdedSince = leftOut.size > 0 ? this.#now : undefined;
    troubles.crowded = follow(troubles.crowded, crowdedSince, this.#now);
    yield* this.#notice(troubles, "crowded", "crowded", {});
  }

  *#ofHost(host: FleetHost): Generator<Notice> {
    const { silentMs, stoppedMs = Infinity, forgetMs } = this.#settings;
    const awayMs = this.#heardTo - host.seenAt;
    const isAway = awayMs >= (host.isStopped ? stoppedMs : silentMs);
    host.silent = follow(host.silent, isAway ? host.seenAt : undefined, this.#now);
    if (this.#now - host.seenAt >= forgetMs && !isOpen(this.#troubles.silent)) {
      const forget = (): void => this.#fleet.forget(host.host);
      if (isToldOf(host)) {
        yield { kind: "silent", change: "forgotten", since: host.seenAt, host, told: forget };
      } else forget();
      return;
    }
    yield* this.#notice(host, "silent", "silent", { host });
    // What an agent last said of its files before it fell silent stays as it was.
    if (isAway) return;
    yield* this.#ofFiles(host);
  }

  *#ofFiles(host: FleetHost): Generator<Notice> {
    const named = host.files.filter((file) => !this.#isGone(host, file));
    const behind = named.filter(({ isWell, error }) => !isWell && error === undefined);
    const stuck = behind.filter((file) => host.seenAt - file.since >= this.#settings.stuckMs);
    const isStalled = stuck.length > 1 && stuck.length === behind.length && host.more.files === 0;
    const stalledSince = isStalled ? Math.min(...stuck.map(({ since }) => since)) : undefined;
    host.stalled = follow(host.stalled, stalledSince, this.#now);
    yield* this.#notice(host, "stalled", "stalled", { host });
    for (const file of host.files) yield* this.#ofFile(host, file, new Set(stuck).has(file));
    const gone = host.files.filter((file) => this.#isGone(host, file) && !isTroubled(file));
    const lost = gone.filter(isLost);
    for (const file of lost) {
      const drop = (): void => this.#fleet.drop(host, new Set([file]));
      yield { kind: "lost", change: "begins", since: file.seenAt, host, file, told: drop };
    }
    const done = [...host.files.filter(isDone), ...gone.filter((file) => !isLost(file))];
    if (done.length > 0) this.#fleet.drop(host, new Set(done));
  }

  *#ofFile(host: FleetHost, file: FleetFile, isStuck: boolean): Generator<Notice> {
    const isGone = this.#isGone(host, file);
    // The agent as a whole was told of instead, unless the file was before.
    const isTellable = isStuck && (!isOpen(host.stalled) || file.stuck?.isTold === true);
    const { error } = file;
    const failsFor = error === undefined || isGone ? 0 : host.seenAt - error.since;
    file.stuck = follow(file.stuck, isTellable ? file.since : undefined, this.#now);
    file.unreadable = follow(
      file.unreadable,
      failsFor >= UNREADABLE_MS ? error!.since : undefined,
      this.#now,
    );
    for (const kind of ["stuck", "unreadable"] as const) {
      for (const notice of this.#notice(file, kind, kind, { host, file })) {
        yield notice.change === "ends" && isGone && !file.isWell ? { ...notice, change: "gone" } : notice;
      }
    }
  }

  *#notice<K extends string>(
    owner: { [key in K]?: Trouble | undefined },
    key: K,
    kind: Notice["kind"],
    of: Pick<Notice, "host" | "file">,
  ): Generator<Notice> {
    const now = this.#now;
    const trouble = owner[key];
    if (trouble === undefined) {
      delete owner[key];
      return;
    }
    const change = changeOf(trouble, now);
    if (change === undefined) return;
    const tell = (): void => {
      owner[key] = told(trouble, change, now);
    };
    yield { kind, change, since: trouble.since, ...of, told: tell };
  }

  #isGone(host: FleetHost, file: FleetFile): boolean {
    return host.seenAt - file.seenAt >= GONE_MS;
  }
}

/** Hosts whose heartbeats should go on coming. */
export function expectedHosts(
  { hosts }: Pick<Fleet, "hosts">,
  { stoppedMs }: Pick<FleetSettings, "stoppedMs">,
): FleetHost[] {
  return [...hosts.values()].filter(
    ({ isStopped, silent }) => (!isStopped || stoppedMs !== undefined) && !isOpen(silent),
  );
}

function isToldOf({ silent, stalled, files }: FleetHost): boolean {
  const troubles = [silent, stalled, ...files.flatMap(({ stuck, unreadable }) => [stuck, unreadable])];
  return troubles.some((trouble) => trouble?.isTold);
}

/** Nothing waits, and there is nothing left to tell of it. */
function isDone(file: FleetFile): boolean {
  return file.isWell && file.error === undefined && !isTroubled(file);
}

/**
 * The last that its agent said of it is that some of it waits, or that it cannot be had any more. One of which nothing
 * was delivered yet may have got another id with its first line.
 */
function isLost({ isWell, delivered, error }: FleetFile): boolean {
  return error !== undefined || (!isWell && delivered > 0);
}

const isTroubled = ({ stuck, unreadable }: FleetFile): boolean =>
  stuck !== undefined || unreadable !== undefined;

/** Bytes and files of a host that wait, as far as it has told. */
export function backlog({ files, more }: FleetHost): { files: number; bytes: number } {
  const behind = files.filter(({ isWell }) => !isWell);
  const bytes = behind.reduce((sum, file) => sum + waiting(file), 0);
  return { files: behind.length + more.files, bytes: bytes + more.bytes };
}
