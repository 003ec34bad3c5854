import type { ClientConfig } from "pg";
import * as z from "zod";
import type { LogType } from "../../wire/log-type.ts";
import type { WarehouseOf } from "../reconcile/warehouse.ts";
import { letReaderIn } from "../warehouse/reader.ts";
import type { Warehouse } from "../warehouse/warehouse.ts";
import { type Answer, json, type Route, RouteRefusal } from "./route.ts";
import { csvText } from "./sql-csv.ts";
import { sqlExamples } from "./sql-examples.ts";
import { runSql, type SqlBounds, SqlError, type SqlResult } from "./sql-query.ts";

export interface SqlBox {
  readonly types: readonly LogType[];
  readonly warehouseOf?: WarehouseOf;
  readonly warehouses: ReadonlyMap<string, Warehouse>;
  /** What there is to read where there is no warehouse. */
  readonly lake: { readonly endpoint: string; readonly bucket: string };
}

/** What a table on a page can show, and what a file can hold that a spreadsheet opens. */
const SHOWN: SqlBounds = { rows: 1_000, bytes: 4 * 2 ** 20, seconds: 10 };
const SAVED: SqlBounds = { rows: 200_000, bytes: 32 * 2 ** 20, seconds: 10 };

/** A statement, written as JSON. */
const BODY_MAX_BYTES = 128 * 2 ** 10;

/** Each may take a processor and memory, and loads have to have some left. */
const RUNNING_MAX = 2;

const question = z.strictObject({ warehouse: z.string(), sql: z.string() });

/** The page's SQL box: what can be asked of which warehouse, a statement's rows, and the same as CSV. */
export function sqlRoutes({ types, warehouseOf, warehouses, lake }: SqlBox): Route[] {
  const logins = onceItWorks(() => letReaderIn(warehouses));
  const about = { warehouses: [...warehouses.keys()], examples: sqlExamples(types, warehouseOf), lake };
  let running = 0;
  const run = async (body: string, bounds: SqlBounds, signal: AbortSignal): Promise<SqlResult> => {
    const { warehouse, sql } = parseQuestion(body);
    const login = (await logins()).get(warehouse);
    if (!login) throw new RouteRefusal(404, `no warehouse ${warehouse}`);
    if (running === RUNNING_MAX) throw new RouteRefusal(503, `${RUNNING_MAX} statements run already`);
    running++;
    try {
      return await runSql(login, sql, bounds, signal);
    } finally {
      running--;
    }
  };
  return [
    { method: "GET", path: "/sql", answer: () => json(about) },
    {
      method: "POST",
      path: "/sql",
      maxBodyBytes: BODY_MAX_BYTES,
      answer: ({ body, signal }) => orError(async () => json(await run(body, SHOWN, signal))),
    },
    {
      method: "POST",
      path: "/sql.csv",
      maxBodyBytes: BODY_MAX_BYTES,
      answer: ({ body, signal }) => orError(async () => csv(await run(body, SAVED, signal))),
    },
  ];
}

/** @throws RouteRefusal */
function parseQuestion(body: string): z.output<typeof question> {
  try {
    return question.parse(JSON.parse(body));
  } catch (cause) {
    throw new RouteRefusal(400, `not {"warehouse", "sql"}: ${(cause as Error).message}`);
  }
}

function csv(result: SqlResult): Answer {
  return {
    contentType: "text/csv; charset=utf-8",
    headers: {
      "Content-Disposition": 'attachment; filename="weir.csv"',
      "X-Rows": `${result.rows.length}`,
      ...(result.cutBy && { "X-Cut-By": result.cutBy }),
    },
    body: csvText(result),
  };
}

/** A statement at fault is the asker's, and is told with its place. */
async function orError(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { message, code, detail, hint, position } = error;
    return { ...json({ message, code, detail, hint, position }), status: 422 };
  }
}

/** Keeps what has been made, and tries again what has failed. */
function onceItWorks(
  make: () => Promise<ReadonlyMap<string, ClientConfig>>,
): () => Promise<ReadonlyMap<string, ClientConfig>> {
  let made: Promise<ReadonlyMap<string, ClientConfig>> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
