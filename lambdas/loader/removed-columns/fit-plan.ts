import type { Lake } from "../lake.ts";
import type { LoadPlan } from "../plan.ts";
import type { Target } from "../target.ts";
import { ColumnRegistry } from "./column-registry.ts";
import { copyUncovered } from "./uncovered-objects.ts";

/** Says of the configurations that a plan's objects were routed by whether the table has all their columns. */
export async function knowConfigs({ configs }: LoadPlan, target: Target, lake: Lake): Promise<void> {
  const columns = new ColumnRegistry(lake);
  for (const config of configs.unknown) configs.know(config, await columns.covers(target, config));
}

/**
 * Has a load read copies of those of its objects that have fields without a column in the table. Called before its
 * files are written.
 *
 * @returns the names of these fields
 */
export async function fitPlan(
  plan: LoadPlan,
  loadId: string,
  target: Target,
  lake: Lake,
): Promise<ReadonlySet<string>> {
  await knowConfigs(plan, target, lake);
  await new ColumnRegistry(lake).note(target);
  const { keys, fields } = await copyUncovered(plan.uncovered, loadId, target, lake);
  plan.readCopies(keys);
  return fields;
}
