import type { CloudFormationCustomResourceEvent } from "aws-lambda";

/** CloudFormation takes an answer of 4,096 bytes. Custom resource response objects, read 2026-11. */
const REASON_CHARS = 1_000;
const TRIES = 3;
const TIMEOUT_MS = 5_000;

/** The resource as CloudFormation knows it: another user is another resource. Removing one does nothing. */
export function physicalId(event: CloudFormationCustomResourceEvent): string {
  const { User: user } = event.ResourceProperties as { User?: unknown };
  return event.RequestType === "Delete" ? event.PhysicalResourceId : `grants:${String(user)}`;
}

/**
 * Tells CloudFormation how it went, at the address that came with the event, which is a secret of its own.
 *
 * @param reason undefined for success
 */
export async function answer(
  event: CloudFormationCustomResourceEvent,
  reason: string | undefined,
): Promise<void> {
  const { StackId, RequestId, LogicalResourceId, ResponseURL } = event;
  const body = JSON.stringify({
    Status: reason === undefined ? "SUCCESS" : "FAILED",
    Reason: reason?.slice(0, REASON_CHARS),
    PhysicalResourceId: physicalId(event),
    StackId,
    RequestId,
    LogicalResourceId,
  });
  for (let tries = 1; ; tries++) {
    try {
      // The address is signed for a request without a content type.
      const headers = { "content-type": "" };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const { ok, status } = await fetch(ResponseURL, { method: "PUT", headers, body, signal });
      if (ok) return;
      throw new Error(`CloudFormation's answer was ${status}`);
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}
