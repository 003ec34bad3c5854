import type { WeirConfig } from "../../wire/config.ts";
import type { LogType, RedshiftDestination } from "../../wire/log-type.ts";
import { warehouseOf } from "../../wire/warehouses.ts";
import type { Cloud } from "../cloud.ts";
import { LakeLines } from "./lake-lines.ts";
import { objectView } from "./object-view.ts";
import type { RecentLines } from "./recent-lines.ts";
import { rejectAnswer } from "./reject-view.ts";
import { json, parameter, type Route, RouteRefusal } from "./route.ts";
import { sqlRoutes } from "./sql.ts";
import { typeView } from "./type-view.ts";
import type { LakeTotals } from "./watch-lake.ts";

/** What the page can look at. */
export interface Looked {
  readonly cloud: Pick<Cloud, "s3" | "s3Endpoint" | "warehouses"> & {
    readonly deployment: Pick<Cloud["deployment"], "lakeBucket">;
  };
  readonly lake: LakeTotals;
  readonly config: WeirConfig;
  /** Path as the user has named it. */
  readonly configFile: string;
  readonly printed: RecentLines;
}

/** Everything that the page can ask for, beside its own files and the run's snapshots. */
export function consoleRoutes({ cloud, lake, config, configFile, printed }: Looked): Route[] {
  const { warehouses, s3Endpoint: endpoint, deployment } = cloud;
  const { types } = config;
  const ofTarget = (target: RedshiftDestination): string => warehouseOf(config, target);
  const sql = {
    types,
    warehouseOf: ofTarget,
    warehouses,
    lake: { endpoint, bucket: deployment.lakeBucket },
  };
  const lines = new LakeLines(cloud.s3, deployment.lakeBucket);
  const find = (name: string): LogType | undefined => types.find((type) => type.name === name);
  const get = (path: string, answer: (query: URLSearchParams, signal: AbortSignal) => unknown): Route => ({
    method: "GET",
    path,
    answer: async ({ query, signal }) => json(await answer(query, signal)),
  });
  return [
    get("/objects", () => lake.latestObjects),
    get("/object", (query, signal) => objectView(parameter(query, "key"), lines, signal)),
    get("/type", (query, signal) => {
      const name = parameter(query, "name");
      return typeView(name, find(name), ofTarget, { totals: lake, lines }, signal);
    }),
    get("/reject", (query, signal) => {
      const [type, reason] = [parameter(query, "type"), parameter(query, "reason")];
      const known = lake.rejectPlaces.find({ type, reason, field: query.get("field") ?? undefined });
      if (!known) throw new RouteRefusal(404, `nothing of ${type} is rejected for ${reason}`);
      return rejectAnswer(known, { types, configFile }, lines, signal);
    }),
    get("/log", (query) => {
      const part = parameter(query, "part");
      return { part, parts: printed.parts, lines: printed.of(part) };
    }),
    ...sqlRoutes(sql),
  ];
}
