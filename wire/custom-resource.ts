import { setTimeout as sleep } from "node:timers/promises";

/** What an answer takes over from CloudFormation's request. */
export interface CustomResourceRequest {
  /** Presigned: the answer is put there. Whoever knows it can answer. */
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
}

const ATTEMPTS = 4;
/** All attempts with their pauses stay within the 20 s that a function keeps for its answer. */
const ATTEMPT_MS = 4_000;
const FIRST_PAUSE_MS = 250;
/** CloudFormation takes 4 KB of an answer in all. source: "Custom resource response objects", read 2026-11 */
const REASON_MAX_CHARACTERS = 1_000;

/**
 * Answers CloudFormation, which waits for it: without an answer the deployment stands still until it times out.
 *
 * @param physicalId of the resource: another one than before makes CloudFormation delete the one before
 * @param reason why it failed, as the stack's events show it; undefined for success
 * @throws when the answer cannot be delivered, so that Lambda calls the function again
 */
export async function answerCloudFormation(
  { ResponseURL, StackId, RequestId, LogicalResourceId }: CustomResourceRequest,
  physicalId: string,
  reason: string | undefined,
): Promise<void> {
  const body = JSON.stringify({
    Status: reason === undefined ? "SUCCESS" : "FAILED",
    ...(reason !== undefined && { Reason: reason.slice(0, REASON_MAX_CHARACTERS) }),
    StackId,
    RequestId,
    LogicalResourceId,
    PhysicalResourceId: physicalId,
  });
  for (let attempt = 1; ; attempt++) {
    const problem = await put(ResponseURL, body);
    if (problem === undefined) return;
    if (attempt === ATTEMPTS) throw new Error(`CloudFormation did not take the answer: ${problem}`);
    await sleep(FIRST_PAUSE_MS * 2 ** attempt);
  }
}

/** Bytes rather than text: a text would bring a content type, and the URL is signed for none. */
async function put(url: string, body: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(ATTEMPT_MS);
    const { ok, status } = await fetch(url, { method: "PUT", body: Buffer.from(body), signal });
    return ok ? undefined : `HTTP ${status}`;
  } catch (error) {
    return (error as Error).message;
  }
}
