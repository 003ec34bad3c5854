import type { Cloud } from "../cloud.ts";
import { json, type Route } from "./route.ts";
import type { LakeTotals } from "./watch-lake.ts";

/** What the page can look at. */
export interface Looked {
  readonly cloud: Cloud;
  readonly lake: LakeTotals;
}

/** Everything that the page can ask for, beside its own files and the run's snapshots. */
export function consoleRoutes({ lake }: Looked): Route[] {
  return [{ method: "GET", path: "/objects", answer: () => json(lake.latestObjects) }];
}
