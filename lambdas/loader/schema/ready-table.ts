import type { LoadParts } from "../load.ts";
import { prepareTable } from "../prepare.ts";
import { fingerprint } from "../table-ddl.ts";
import type { Target } from "../target.ts";
import { publishOrTell } from "./publish.ts";

/**
 * Prepares a table unless it fits already, and gives its readers what they lack.
 *
 * @param prepared fingerprint of the configuration that it was last made to fit
 * @returns that of the configuration that it fits now
 * @throws LoaderError SCHEMA_CONFLICT, STATEMENT, NOT_IN_TIME
 */
export async function readyTable(
  prepared: string | undefined,
  target: Target,
  parts: LoadParts,
): Promise<string> {
  const wanted = fingerprint(target);
  if (prepared === wanted) return wanted;
  const changes = await prepareTable(target, parts.api);
  if (changes.length > 0) parts.log.info("table changed", { table: target.name, changes });
  await publishOrTell(target, parts);
  return wanted;
}
