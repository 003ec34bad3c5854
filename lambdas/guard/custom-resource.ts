import { setTimeout as sleep } from "node:timers/promises";

/** What CloudFormation sends. source: "Custom resource request objects", AWS CloudFormation, read 2026-11 */
export interface CustomResourceEvent {
  readonly RequestType: "Create" | "Update" | "Delete";
  /** Presigned: the answer is put there. */
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Readonly<Record<string, string>>;
  readonly OldResourceProperties?: Readonly<Record<string, string>>;
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 250;
/** CloudFormation takes 4 KB of an answer in all. source: "Custom resource response objects", read 2026-11 */
const REASON_MAX_CHARACTERS = 1_500;

/**
 * Answers CloudFormation, which waits for it: without an answer the deployment stands still until it times out.
 *
 * @param reason why it failed, as the stack's events show it; undefined for success
 * @throws when the answer cannot be delivered, so that Lambda calls the function again
 */
export async function answer(event: CustomResourceEvent, reason: string | undefined): Promise<void> {
  const { StackId, RequestId, LogicalResourceId, PhysicalResourceId = LogicalResourceId } = event;
  const body = JSON.stringify({
    Status: reason === undefined ? "SUCCESS" : "FAILED",
    ...(reason !== undefined && { Reason: reason.slice(0, REASON_MAX_CHARACTERS) }),
    StackId,
    RequestId,
    LogicalResourceId,
    PhysicalResourceId,
  });
  for (let attempt = 1; ; attempt++) {
    const problem = await put(event.ResponseURL, body);
    if (problem === undefined) return;
    if (attempt === ATTEMPTS) throw new Error(`CloudFormation did not take the answer: ${problem}`);
    await sleep(FIRST_PAUSE_MS * 2 ** attempt);
  }
}

/** Bytes rather than text: a text would bring a content type, and the URL is signed for none. */
async function put(url: string, body: string): Promise<string | undefined> {
  try {
    const { ok, status } = await fetch(url, { method: "PUT", body: Buffer.from(body) });
    return ok ? undefined : `HTTP ${status}`;
  } catch (error) {
    return (error as Error).message;
  }
}
