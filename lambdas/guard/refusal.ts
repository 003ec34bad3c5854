/** The warehouse that a deployment loads into, as the resource's properties have it; all texts, as CloudFormation wants. */
export interface GuardedWarehouse {
  /** As in the configuration; of `none` the rest is empty. */
  readonly kind: string;
  /** Name of the namespace, the workgroup or the cluster. */
  readonly name: string;
  readonly database: string;
}

export interface GuardedUpdate {
  readonly wanted: GuardedWarehouse;
  /** The warehouses beside the main one. */
  readonly others?: readonly GuardedWarehouse[];
  /** What `replaces` of the configuration's warehouses says, with commas between, or "". */
  readonly replaces: string;
  /** The properties before this update; none when the guard is made. */
  readonly before: GuardedWarehouse | undefined;
  readonly othersBefore?: readonly GuardedWarehouse[];
  /** Names of the namespaces that the stack has: what a stack had before there was a guard, only they tell. */
  readonly namespaces: readonly string[];
}

/** Why a namespace cannot be made: its name is that of the stack, and an earlier deployment of it left one. */
export function collision(name: string): string {
  return (
    `The namespace ${name} exists: this stack had it before and left it. Set warehouse.namespace to "${name}" in the ` +
    `configuration to give it a workgroup and load into it again, or delete it. See docs/runbook.md#coming-back`
  );
}

/**
 * Why a deployment must not go on: it would leave behind a warehouse that the configuration does not name. What may be
 * left is named, rather than all allowed, so that a setting once made allows nothing else later.
 *
 * @returns undefined when it may go on
 */
export function refusal(update: GuardedUpdate): string | undefined {
  const { wanted, others = [], replaces, before, othersBefore = [], namespaces } = update;
  const all = [wanted, ...others];
  const left = leftBehind(before ? [before, ...othersBefore] : [], all);
  const allowed = new Set(replaces.split(","));
  const refused = [
    ...left.map(({ name, database }) => `${name}/${database}`),
    ...orphans(namespaces, all, left),
  ];
  const first = refused.find((name) => !allowed.has(name));
  if (first === undefined) return undefined;
  return (
    `This deployment would leave the warehouse ${first} behind: nothing more would be loaded into it, and a workgroup of ` +
    `this stack would be deleted. If that is meant, set warehouse.replaces to "${first}" in the configuration and deploy ` +
    `again; if not, take the change of warehouse back. See docs/runbook.md#a-deployment-that-is-refused`
  );
}

/** Which of a stack's warehouses no warehouse of the configuration is, under whatever name. */
function leftBehind(
  before: readonly GuardedWarehouse[],
  wanted: readonly GuardedWarehouse[],
): GuardedWarehouse[] {
  return before.filter(
    ({ kind, name, database }) =>
      kind !== "none" &&
      !wanted.some((one) => one.kind === kind && one.name === name && one.database === database),
  );
}

/** A namespace of the stack is kept, but out of reach, when the next template has it no longer. */
function orphans(
  namespaces: readonly string[],
  wanted: readonly GuardedWarehouse[],
  left: readonly GuardedWarehouse[],
): string[] {
  return namespaces.filter(
    (name) =>
      !wanted.some((one) => one.kind === "new-serverless" && one.name === name) &&
      !left.some((one) => one.name === name),
  );
}
