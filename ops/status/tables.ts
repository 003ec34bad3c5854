import { AccessError } from "../access/access-error.ts";
import type { Place } from "../access/place.ts";
import { duration, textTable } from "../access/text-table.ts";
import { isWell } from "../loads/status.ts";
import { absent, type Report } from "./section.ts";
import { counted } from "../access/figures.ts";

const TITLE = "TABLES";
const COLUMNS = [
  { title: "table" },
  { title: "condition" },
  { title: "lag", right: true },
  { title: "refused rows", right: true },
] as const;
const SHOWN_TABLES = 20;

export async function tablesReport(place: Place, maxLagSeconds: number): Promise<Report> {
  const status = await place.invokeLoader({ command: "status" }).catch((error: unknown) => {
    if (error instanceof AccessError && error.code === "NO_LOADER") return undefined;
    throw error;
  });
  if (status === undefined) return absent(TITLE, "no warehouse: rows stay in the lake");
  const { tables } = status;
  const judged = tables.map((table) => ({ ...table, ok: isWell(table, maxLagSeconds) }));
  const problems = judged.filter(({ ok }) => !ok).map(({ table, text }) => `${table}: ${text}`);
  const rows = [...judged.filter(({ ok }) => !ok), ...judged.filter(({ ok }) => ok)]
    .slice(0, SHOWN_TABLES)
    .map(({ table, condition, lagSeconds, refused }) => [
      table,
      condition,
      lagSeconds === 0 ? "-" : duration(lagSeconds),
      refused ? refused.rows.toLocaleString("en-US") : "-",
    ]);
  const lag = Math.max(0, ...tables.map(({ lagSeconds }) => lagSeconds));
  const summary = `${counted(tables.length, "table")}, ${lag === 0 ? "all that the log holds is loaded" : `${duration(lag)} behind at most`}`;
  const notes = rows.length > 0 ? textTable(COLUMNS, rows).split("\n") : [];
  return { section: { title: TITLE, summary, problems, notes }, json: { tables: judged } };
}
