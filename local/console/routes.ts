import type { WeirConfig } from "../../wire/config.ts";
import type { RedshiftDestination } from "../../wire/log-type.ts";
import { warehouseOf } from "../../wire/warehouses.ts";
import type { Cloud } from "../cloud.ts";
import { json, type Route } from "./route.ts";
import { sqlRoutes } from "./sql.ts";
import type { LakeTotals } from "./watch-lake.ts";

/** What the page can look at. */
export interface Looked {
  readonly cloud: Cloud;
  readonly lake: LakeTotals;
  readonly config: WeirConfig;
}

/** Everything that the page can ask for, beside its own files and the run's snapshots. */
export function consoleRoutes({ cloud, lake, config }: Looked): Route[] {
  const { warehouses, s3Endpoint: endpoint, deployment } = cloud;
  const sql = {
    types: config.types,
    warehouseOf: (target: RedshiftDestination) => warehouseOf(config, target),
    warehouses,
    lake: { endpoint, bucket: deployment.lakeBucket },
  };
  return [{ method: "GET", path: "/objects", answer: () => json(lake.latestObjects) }, ...sqlRoutes(sql)];
}
