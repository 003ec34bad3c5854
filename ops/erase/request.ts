import type { WeirConfig } from "../../wire/config.ts";
import { parseErasureCondition } from "../../wire/erasure-condition.ts";
import type { ErasureCondition } from "../../wire/erasure.ts";
import { type Column, METADATA_COLUMNS, rowColumns, UNROUTED_TYPE } from "../../wire/log-type.ts";
import { WireError } from "../../wire/wire-error.ts";
import { AccessError } from "../access/access-error.ts";
import type { EraseArguments } from "./command.ts";

/** @throws AccessError BAD_REQUEST, with the place of what is wrong in the condition */
export function conditionOf(
  { where, contains, since, until }: EraseArguments,
  type: string,
  config: WeirConfig,
): ErasureCondition {
  if (where === undefined && contains === undefined) {
    const hint = "--where names rows by their columns, --contains any line by a text in it.";
    throw new AccessError("BAD_REQUEST", "nothing says what to erase", hint);
  }
  return {
    where: where === undefined ? [] : parsedCondition(where, columnsOf(type, config)),
    ...(contains !== undefined && { contains }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

/** Lines of no type have the metadata alone. @throws AccessError BAD_REQUEST */
export function columnsOf(name: string, { types }: WeirConfig): readonly Column[] {
  if (name === UNROUTED_TYPE) return METADATA_COLUMNS;
  const type = types.find((type) => type.name === name);
  if (type) return rowColumns(type);
  const known = [...types.map(({ name }) => name), UNROUTED_TYPE].join(", ");
  throw new AccessError("BAD_REQUEST", `the configuration has no log type ${name}`, `It has ${known}.`);
}

function parsedCondition(where: string, columns: readonly Column[]): ErasureCondition["where"] {
  try {
    return parseErasureCondition(where, columns);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const hint = `Such as: --where "user_id = 42 AND tenant IN ('a', 'b')".`;
    throw new AccessError("BAD_REQUEST", error.message, hint, { cause: error });
  }
}
