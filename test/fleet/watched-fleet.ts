import {
  type FleetLimits,
  type FleetSettings,
  type FleetState,
  fleetStateSchema,
} from "../../lambdas/fleet/fleet-state.ts";
import { Fleet } from "../../lambdas/fleet/fold.ts";
import { expectedHosts, type FleetTroubles, Judge, type Notice } from "../../lambdas/fleet/judge.ts";
import { type Message, messageOf } from "../../lambdas/fleet/message.ts";
import { fleetPage } from "../../lambdas/fleet/page.ts";
import type { FleetPage } from "../../wire/fleet-page.ts";
import type { Heartbeat } from "../../wire/heartbeat.ts";
import { heartbeat, type SourceReport } from "../commit-log/heartbeat-fixture.ts";

export const MINUTE = 60_000;
export const START = Date.parse("2026-11-21T10:00:00.000Z");

export const SETTINGS: FleetSettings = {
  silentMs: 10 * MINUTE,
  stuckMs: 15 * MINUTE,
  stoppedMs: undefined,
  forgetMs: 24 * 60 * MINUTE,
};

export interface Beat {
  readonly heartbeat: Heartbeat;
  readonly arrivedAt: Date;
}

/** A heartbeat that arrived some minutes after the start. */
export function beat(
  host: string,
  minute: number,
  sources: readonly SourceReport[] = [],
  stopping = false,
): Beat {
  const arrivedAt = new Date(START + minute * MINUTE);
  const { agent, ...rest } = heartbeat(host, arrivedAt, sources);
  return { heartbeat: { ...rest, agent: { ...agent, ...(stopping && { stopping }) } }, arrivedAt };
}

/** What was told, as text: "begins silent web-1". */
export function named({ kind, change, host, file }: Notice): string {
  return [change, kind, host?.host, file?.path].filter((part) => part !== undefined).join(" ");
}

type Memory = Pick<FleetState, "hosts" | "heardAt" | "silent" | "crowded">;

/** The watch without its log: each tick takes heartbeats in, tells what is new, and remembers, as JSON. */
export class WatchedFleet {
  readonly told: string[] = [];
  readonly messages: Message[] = [];
  page: FleetPage | undefined;
  #memory: string;
  readonly #settings: FleetSettings;
  readonly #limits: FleetLimits;

  constructor(settings: Partial<FleetSettings> = {}, limits: Partial<FleetLimits> = {}) {
    this.#settings = { ...SETTINGS, ...settings };
    this.#limits = { hosts: 1_000, files: 1_000, filesPerHost: 10, ...limits };
    this.#memory = JSON.stringify({ hosts: [], heardAt: null } satisfies Memory);
  }

  /** @param dies before it remembers; or before it tells @returns what was told */
  tick(minute: number, beats: Iterable<Beat> = [], dies?: "untold" | "told"): string[] {
    const memory = JSON.parse(this.#memory) as Memory;
    const fleet = new Fleet(memory, this.#limits);
    for (const beat of beats) fleet.take(beat);
    const troubles: FleetTroubles = { silent: memory.silent, crowded: memory.crowded };
    const now = new Date(START + minute * MINUTE);
    const notices = new Judge(fleet, troubles, this.#settings, now.getTime()).notices();
    if (dies === "untold") return [];
    const context = {
      stack: "Weir",
      now,
      expected: expectedHosts(fleet, this.#settings),
      hostsLeftOut: fleet.leftOut.size,
    };
    const message = messageOf(notices, context);
    if (message) this.messages.push(message);
    const told = notices.map(named);
    this.told.push(...told);
    if (dies === "told") return told;
    for (const notice of notices) notice.told();
    const { silent, crowded } = troubles;
    const { heardAt } = fleet;
    const state = {
      version: 1,
      cursor: { segment: 1, index: 0 },
      savedAt: now.getTime(),
      heardAt,
      hosts: [...fleet.hosts.values()],
      ...(silent && { silent }),
      ...(crowded && { crowded }),
    };
    this.#memory = JSON.stringify(fleetStateSchema.parse(state));
    this.page = fleetPage(fleet, troubles, now);
    return told;
  }
}
