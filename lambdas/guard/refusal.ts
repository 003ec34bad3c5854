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
  /** What `warehouse.replaces` of the configuration says, or "". */
  readonly replaces: string;
  /** The properties before this update; none when the guard is made. */
  readonly before: GuardedWarehouse | undefined;
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
export function refusal({ wanted, replaces, before, namespaces }: GuardedUpdate): string | undefined {
  const left = leftBehind(before, wanted) ?? orphan(namespaces, wanted);
  if (left === undefined || left === replaces) return undefined;
  return (
    `This deployment would leave the warehouse ${left} behind: nothing more would be loaded into it, and a workgroup of ` +
    `this stack would be deleted. If that is meant, set warehouse.replaces to "${left}" in the configuration and deploy ` +
    `again; if not, take the change of warehouse back. See docs/runbook.md#a-deployment-that-is-refused`
  );
}

function leftBehind(before: GuardedWarehouse | undefined, wanted: GuardedWarehouse): string | undefined {
  if (before === undefined || before.kind === "none") return undefined;
  const isSame =
    before.kind === wanted.kind && before.name === wanted.name && before.database === wanted.database;
  return isSame ? undefined : `${before.name}/${before.database}`;
}

/** A namespace of the stack is kept, but out of reach, when the next template has it no longer. */
function orphan(namespaces: readonly string[], wanted: GuardedWarehouse): string | undefined {
  return namespaces.find((name) => wanted.kind !== "new-serverless" || name !== wanted.name);
}
