import { setTimeout as sleep } from "node:timers/promises";
import { Logger } from "@aws-lambda-powertools/logger";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { RedshiftServerlessClient } from "@aws-sdk/client-redshift-serverless";
import { hasNamespace } from "./account.ts";
import { answerCloudFormation } from "../../wire/custom-resource.ts";
import type { CustomResourceEvent } from "./custom-resource.ts";
import { collision, refusal, type GuardedWarehouse } from "./refusal.ts";
import { isRollingBack, namespacesOf } from "./stack.ts";

const ATTEMPTS = 5;
const PAUSE_MS = 5_000;

const client = new CloudFormationClient({ maxAttempts: 8 });
const redshift = new RedshiftServerlessClient({});
const log = new Logger({ serviceName: "guard" });

/**
 * Invoked by CloudFormation before it touches the warehouse, when the guard is made or the warehouse's place in the
 * configuration changed. What the guard knows it asks CloudFormation for, so that there is nothing it could lose.
 */
export async function handler(event: CustomResourceEvent): Promise<void> {
  const { RequestType, StackId, ResourceProperties, OldResourceProperties } = event;
  const reason = await patiently(() => problem(event)).catch(
    (error: Error) => `The guard could not ask CloudFormation about the stack: ${error.message}`,
  );
  const what = { RequestType, StackId, ResourceProperties, OldResourceProperties };
  if (reason === undefined) log.info("allowed", what);
  else log.warn("refused", { ...what, reason });
  await answerCloudFormation(event, event.PhysicalResourceId ?? event.LogicalResourceId, reason);
}

async function problem(event: CustomResourceEvent): Promise<string | undefined> {
  const { RequestType, StackId, ResourceProperties, OldResourceProperties } = event;
  // Nothing that is deleted is decided here: what holds rows is kept by its own policy.
  if (RequestType === "Delete" || (await isRollingBack(client, StackId))) return undefined;
  const namespaces = await namespacesOf(client, StackId);
  const reason = refusal({
    wanted: guarded(ResourceProperties),
    others: others(ResourceProperties),
    replaces: ResourceProperties["Replaces"] ?? "",
    before: OldResourceProperties && guarded(OldResourceProperties),
    othersBefore: others(OldResourceProperties),
    namespaces,
  });
  if (reason !== undefined) return reason;
  const { Makes: makes = "" } = ResourceProperties;
  for (const name of makes.split(",")) {
    if (name === "" || namespaces.includes(name)) continue;
    // An account that does not say is none to refuse: the deployment itself would find a namespace that is there.
    if ((await hasNamespace(redshift, name)) === true) return collision(name);
  }
  return undefined;
}

/** A role that was made a moment ago may not have its rights everywhere yet. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === ATTEMPTS || !(error as Error).name.startsWith("AccessDenied")) throw error;
    }
    await sleep(PAUSE_MS);
  }
}

function guarded(properties: Readonly<Record<string, string>>): GuardedWarehouse {
  const { Kind: kind = "none", Name: name = "", Database: database = "" } = properties;
  return { kind, name, database };
}

/** Warehouses beside the main one, as lib/warehouse-guard.ts writes them. A stack without any says nothing of them. */
function others(properties: Readonly<Record<string, string>> = {}): GuardedWarehouse[] {
  const { Others: texts = "" } = properties;
  return texts
    .split(",")
    .filter((text) => text !== "")
    .map((text) => {
      const [kind, name, database] = text.split(" ") as [string, string, string];
      return { kind, name, database };
    });
}
