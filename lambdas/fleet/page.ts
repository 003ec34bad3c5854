import type { FleetPage, FleetPageHost } from "../../wire/fleet-page.ts";
import type { FleetFile, FleetHost } from "./fleet-state.ts";
import { type Fleet, waiting } from "./fold.ts";
import { backlog, type FleetTroubles } from "./judge.ts";
import { isOpen } from "./trouble.ts";

/** Hosts on the page, and files of each. Whoever reads it looks for what is wrong, and that comes first. */
const PAGE_HOSTS = 1_000;
const PAGE_FILES = 10;

type PageFile = FleetPageHost["files"][number];

/** Worst first. */
const STATES: readonly FleetPageHost["state"][] = ["silent", "stalled", "well", "stopped"];

export function fleetPage(fleet: Fleet, troubles: FleetTroubles, now: Date): FleetPage {
  const all = [...fleet.hosts.values()];
  const isAllSilent = isOpen(troubles.silent);
  const hosts = all.map((host) => pageHost(host, isAllSilent));
  const inState = (state: FleetPageHost["state"]): number =>
    hosts.filter((host) => host.state === state).length;
  const files = all.flatMap((host) => host.files);
  const sum = (of: (host: FleetPageHost) => number): number =>
    hosts.reduce((total, host) => total + of(host), 0);
  const { heardAt } = fleet;
  return {
    version: 1,
    at: now.toISOString(),
    ...(heardAt !== null && { heardAt: new Date(heardAt).toISOString() }),
    ...(isOpen(troubles.silent) && { silentSince: new Date(troubles.silent.since).toISOString() }),
    counts: {
      hosts: hosts.length,
      silent: inState("silent"),
      stalled: inState("stalled"),
      stopped: inState("stopped"),
      stuckFiles: files.filter(({ stuck }) => isOpen(stuck)).length,
      unreadableFiles: files.filter(({ unreadable }) => isOpen(unreadable)).length,
      filesBehind: sum(({ behind }) => behind),
      bytesWaiting: sum((host) => host.waiting),
    },
    hostsLeftOut: fleet.leftOut.size,
    hosts: hosts.sort(worstFirst).slice(0, PAGE_HOSTS),
  };
}

/** Only those that are of use: which host is first, and why. */
function worstFirst(a: FleetPageHost, b: FleetPageHost): number {
  const rank = ({ state, files }: FleetPageHost): number =>
    STATES.indexOf(state) * 2 - (files.some((file) => file.state !== "behind") ? 1 : 0);
  return rank(a) - rank(b) || b.waiting - a.waiting || (a.host < b.host ? -1 : 1);
}

function pageHost(host: FleetHost, isAllSilent: boolean): FleetPageHost {
  const { files, bytes } = backlog(host);
  const lags = host.files.filter(({ isWell }) => !isWell).map(({ lagMs }) => lagMs ?? 0);
  return {
    host: host.host,
    state: stateOf(host, isAllSilent),
    seenAt: new Date(host.seenAt).toISOString(),
    version: host.version,
    behind: files,
    waiting: bytes,
    lagSeconds: Math.round(Math.max(0, ...lags) / 1_000),
    files: host.files
      .filter((file) => !file.isWell || file.error !== undefined)
      .map(pageFile)
      .sort((a, b) => Number(a.state === "behind") - Number(b.state === "behind") || b.waiting - a.waiting)
      .slice(0, PAGE_FILES),
  };
}

function stateOf({ silent, stalled, isStopped }: FleetHost, isAllSilent: boolean): FleetPageHost["state"] {
  if (isOpen(silent) || (isAllSilent && !isStopped)) return "silent";
  if (isStopped) return "stopped";
  return isOpen(stalled) ? "stalled" : "well";
}

function pageFile(file: FleetFile): PageFile {
  const { path, since, error, stuck, unreadable } = file;
  const state = isOpen(unreadable) ? "unreadable" : isOpen(stuck) ? "stuck" : "behind";
  const began = state === "unreadable" ? unreadable!.since : since;
  return {
    path,
    waiting: waiting(file),
    state,
    since: new Date(began).toISOString(),
    ...(error && { error: error.text }),
  };
}
