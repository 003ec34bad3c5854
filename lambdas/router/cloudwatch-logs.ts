import * as z from "zod";
import type { UserRecord } from "../../wire/aggregate.ts";

const BEGINNING = Buffer.from('{"messageType":');

/** source: "Real-time processing of log data with subscriptions", CloudWatch Logs user guide, read 2026-11 */
const subscriptionMessage = z.object({
  messageType: z.enum(["DATA_MESSAGE", "CONTROL_MESSAGE"]),
  owner: z.string(),
  logGroup: z.string(),
  logStream: z.string(),
  logEvents: z.array(z.looseObject({ id: z.string(), timestamp: z.number(), message: z.string() })),
});

export interface Subscription {
  /** Each a JSON object: the event as CloudWatch has it, with logGroup, logStream and owner. Its tag is the log group. */
  readonly events: readonly UserRecord[];
  /** CloudWatch tries whether it may put: there is nothing in it. */
  readonly isControl: boolean;
}

/**
 * The events of a record that a subscription of CloudWatch Logs has put, unpacked.
 *
 * @returns undefined for any other record
 */
export function subscriptionEvents(data: Uint8Array): Subscription | undefined {
  if (BEGINNING.compare(data, 0, Math.min(data.length, BEGINNING.length)) !== 0) return undefined;
  const message = subscriptionMessage.safeParse(jsonOf(data)).data;
  if (message === undefined) return undefined;
  const { messageType, owner, logGroup, logStream, logEvents } = message;
  const events = logEvents.map((event): UserRecord => {
    const line = JSON.stringify({ ...event, logGroup, logStream, owner });
    return { partitionKey: logGroup, explicitHashKey: undefined, data: Buffer.from(line), tags: [] };
  });
  return { events, isControl: messageType === "CONTROL_MESSAGE" };
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString());
  } catch {
    return undefined; // text that only begins so
  }
}
