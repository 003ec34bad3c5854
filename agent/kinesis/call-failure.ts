import { KinesisServiceException } from "@aws-sdk/client-kinesis";
import { AgentError } from "../agent-error.ts";

/**
 * Names of refusals that no retry can change: the request itself is wrong. Missing permissions,
 * expired credentials, a wrong clock and a missing stream are not among them: those get repaired
 * while the agent holds on to its lines.
 */
const REFUSALS = new Set([
  "ValidationException",
  "SerializationException",
  "InvalidArgumentException",
  "UnknownOperationException",
]);

/** @returns an AgentError when the call would fail again and again, otherwise the error itself */
export function callFailure(stream: string, error: unknown): unknown {
  if (!(error instanceof KinesisServiceException) || !REFUSALS.has(error.name)) return error;
  const message = `Kinesis refuses: ${error.name}: ${error.message}`;
  const hint = "Nothing is lost: lines that are not acknowledged are read again at the next start.";
  return new AgentError("STREAM_REFUSED", stream, message, hint, { cause: error });
}
