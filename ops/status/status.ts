import type { Place } from "../access/place.ts";
import { costReport } from "./cost.ts";
import { fleetReport } from "./fleet.ts";
import { routedFacts } from "./routed.ts";
import { failedBatches, lakeReport, routerReport } from "./router.ts";
import { type Report, type Section, unknown } from "./section.ts";
import { streamFacts, streamReport } from "./stream.ts";
import { tablesReport } from "./tables.ts";

export interface StatusOptions {
  /** How far back lines are counted. */
  readonly hours: number;
  /** A table that is further behind is not well. */
  readonly maxLagSeconds: number;
}

export interface Status {
  readonly ok: boolean;
  readonly sections: readonly Section[];
  readonly json: object;
}

/** Looks at every part at once. One that cannot be looked at is not well, and keeps no other from being shown. */
export async function readStatus(place: Place, options: StatusOptions, now: Date): Promise<Status> {
  const stream = settled(streamFacts(place, now));
  const routed = settled(routedFacts(place, options.hours, now));
  const isMeasured = place.metrics !== undefined;
  const reports = await Promise.all([
    shown("FLEET", () => fleetReport(place, now)),
    shown("STREAM", async () => streamReport(await stream, isMeasured)),
    shown("ROUTER", async () => routerReport(await failedBatches(place), await routed)),
    shown("LAKE", async () => lakeReport(await routed)),
    shown("TABLES", () => tablesReport(place, options.maxLagSeconds)),
    shown("COST", () => costReport(place, { stream, routed }, now)),
  ]);
  const sections = reports.map(({ section }) => section);
  const ok = sections.every(({ problems }) => problems.length === 0);
  const parts = Object.fromEntries(
    reports.map(({ section, json }) => [
      section.title.toLowerCase(),
      { ...json, problems: section.problems },
    ]),
  );
  return { ok, sections, json: { ok, place: place.title, at: now.toISOString(), ...parts } };
}

async function shown(title: string, report: () => Promise<Report>): Promise<Report> {
  try {
    return await report();
  } catch (error) {
    return unknown(title, error);
  }
}

/** Whoever waits for it is told when it fails, and nobody before. */
function settled<T>(facts: Promise<T>): Promise<T> {
  facts.catch(() => {});
  return facts;
}
