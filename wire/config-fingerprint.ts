import { createHash } from "node:crypto";
import type { WeirConfig } from "./config.ts";
import type { Column, LogType } from "./log-type.ts";
import type { LookupTables } from "./lookup-table.ts";

const FINGERPRINT_DIGITS = 12;

/**
 * Names a configuration in commits by all that decides what the router writes of a batch, and by nothing else:
 * another table, alarm or schedule leaves it as it is. What is left out and what is stated as its default are the
 * same, and so are the fields of an object in any order.
 */
export function configFingerprint({ types, tables, hashSalt, foreign, lake, router }: WeirConfig): string {
  const deciding = {
    types: types.map(decidingOf),
    tables: tables && digestsOf(tables),
    hashSalt,
    foreign,
    compression: lake.compression,
    maxHoursPerBatch: lake.maxHoursPerBatch,
    // A batch ends, and a record is given up, at a share of it.
    memoryMb: router.memoryMb,
  };
  const canonical = JSON.stringify(deciding, (_key, value: unknown) => inOrder(value));
  return createHash("sha256").update(canonical).digest("hex").slice(0, FINGERPRINT_DIGITS);
}

/** All but what is for the loader and for people: what is added decides until it is said here that it does not. */
function decidingOf(type: LogType): object {
  const { match, destinations: _, formerNames: __, tables, ...rest } = type;
  return {
    ...rest,
    ...(tables && { tables: digestsOf(tables) }),
    tags: match?.tags ?? [type.name],
    columns: type.columns.map(decidingOfColumn),
  };
}

/** Tables may be large: they are named by what is in them, whatever its order. */
function digestsOf(tables: LookupTables): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tables).map(([name, { entries, default: otherwise }]) => {
      const hash = createHash("sha256");
      for (const key of Object.keys(entries).sort()) hash.update(`${JSON.stringify([key, entries[key]])}\n`);
      return [name, { entries: hash.digest("hex"), otherwise }];
    }),
  );
}

function decidingOfColumn(column: Column): object {
  const { encode: _, ...rest } = column;
  return { ...rest, ...(column.value === undefined && { field: column.field ?? column.name }) };
}

function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
