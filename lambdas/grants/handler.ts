import { setTimeout as sleep } from "node:timers/promises";
import { Logger } from "@aws-lambda-powertools/logger";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import type { CloudFormationCustomResourceEvent, Context } from "aws-lambda";
import { answerCloudFormation } from "../../wire/custom-resource.ts";
import { AdminSession } from "./admin-session.ts";
import { grantLoader } from "./grant.ts";
import { GrantsError } from "./grants-error.ts";
import { covers, grantsRequest, readProperties } from "./request.ts";

/** Left of the invocation's time to answer: CloudFormation waits for whoever does not. */
const ANSWER_MS = 20_000;
/** Permissions that were just made take some seconds to be known, and the loader may make its user meanwhile. */
const RETRY_MS = [2_000, 4_000, 8_000, 16_000, 30_000];
const HINT = "to grant them by hand, run what `weir warehouse grants` prints; docs/runbook.md, Loads failed";

const client = new RedshiftDataClient({});
const logger = new Logger({ serviceName: "grants" });

/** Invoked by CloudFormation when the resource is made, changed or removed. Removing it leaves the database as it is. */
export async function handler(
  event: CloudFormationCustomResourceEvent,
  context: Pick<Context, "getRemainingTimeInMillis">,
): Promise<void> {
  const { RequestType, ResourceProperties } = event;
  try {
    if (RequestType !== "Delete") {
      const deadline = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - ANSWER_MS));
      await grantInTime(event, deadline);
    }
    const done = RequestType === "Delete" ? "the database is left as it is" : "the loader has its rights";
    logger.info(done, { RequestType, user: ResourceProperties["User"] as unknown });
  } catch (error) {
    logger.error("the loader's rights were not granted", error as Error);
    const { name, message } = error as Error;
    const what = error instanceof GrantsError ? message : `${name}: ${message}`;
    return answer(event, `The loader's rights in the warehouse could not be granted: ${what}; ${HINT}`);
  }
  return answer(event, undefined);
}

function answer(event: CloudFormationCustomResourceEvent, reason: string | undefined): Promise<void> {
  return answerCloudFormation(event, physicalId(event), reason);
}

/** The resource as CloudFormation knows it: another user is another resource. Removing one does nothing. */
function physicalId(event: CloudFormationCustomResourceEvent): string {
  const { User: user } = event.ResourceProperties as { User?: unknown };
  return event.RequestType === "Delete" ? event.PhysicalResourceId : `grants:${String(user)}`;
}

async function grantInTime(event: CloudFormationCustomResourceEvent, deadline: AbortSignal): Promise<void> {
  const properties = readProperties(event.ResourceProperties);
  if (event.RequestType === "Update" && covers(event.OldResourceProperties, properties)) return;
  const { Workgroup: workgroup, Database: database, Secret: secret } = properties;
  const session = new AdminSession(client, { workgroup, database, secret }, deadline);
  let last: unknown = new GrantsError("NOT_IN_TIME", "the warehouse did not answer in time");
  for (const wait of [...RETRY_MS, undefined]) {
    try {
      return await grantLoader(session, grantsRequest(properties));
    } catch (error) {
      if (!deadline.aborted) last = error;
      if (wait === undefined || deadline.aborted) throw last;
      logger.warn("trying again", error as Error);
      await sleep(wait, undefined, { signal: deadline }).catch(() => undefined);
    }
  }
}
