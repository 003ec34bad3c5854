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

/** @throws AccessError BAD_REQUEST for a name that a type had before */
export function formerNamesOf(name: string, { types }: WeirConfig): readonly string[] {
  const renamed = types.find(({ formerNames }) => formerNames.includes(name));
  if (renamed !== undefined && !types.some((type) => type.name === name)) {
    const hint = `Say --type ${renamed.name}: lines of both names are looked through.`;
    throw new AccessError("BAD_REQUEST", `${name} is ${renamed.name} now`, hint);
  }
  return types.find((type) => type.name === name)?.formerNames ?? [];
}

/** A type that was removed from the configuration may have lines in the lake. */
export const isConfigured = (type: string, { types }: WeirConfig): boolean =>
  type === UNROUTED_TYPE || types.some(({ name }) => name === type);

/** Lines of no type, or of one that is not configured any more, are known by the metadata alone. */
function columnsOf(name: string, { types }: WeirConfig): readonly Column[] {
  const type = types.find((type) => type.name === name);
  return type ? rowColumns(type) : METADATA_COLUMNS;
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
