/** Too many calls or bytes: of all consumers of the shard, or of the account. */
const THROTTLED = new Set([
  "KMSThrottlingException",
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
]);

export const isThrottled = ({ name }: Error): boolean => THROTTLED.has(name);
export const isExpiredIterator = ({ name }: Error): boolean => name === "ExpiredIteratorException";
export const isGone = ({ name }: Error): boolean => name === "ResourceNotFoundException";

/** Whether another try may go well: the service is at fault, or the network. */
export function isTransient(error: Error): boolean {
  const { $metadata, code } = error as { $metadata?: { httpStatusCode?: number }; code?: unknown };
  if (($metadata?.httpStatusCode ?? 0) >= 500 || error.name === "TimeoutError") return true;
  // Such as ECONNREFUSED and EAI_AGAIN.
  return typeof code === "string" && /^E[A-Z_]+$/.test(code);
}
