import { EVENT_FRAME_BYTES } from "../../wire/kinesis-event.ts";
import { LAMBDA_PAYLOAD_MAX_BYTES } from "../../wire/limits.ts";
import { AccessError } from "../access/access-error.ts";
import type { Place } from "../access/place.ts";
import type { BatchLimits } from "./batches.ts";
import type { ReplayRecord } from "./replay-record.ts";

/** What the router did with a batch: those before `from` are in the lake. */
export type RouterAnswer =
  | { readonly kind: "answered"; readonly from: number }
  /** It ended with an error: nothing is in the lake that its commit does not say. */
  | { readonly kind: "failed"; readonly error: string }
  /** No invocation takes so much. */
  | { readonly kind: "too-large" }
  /** The account's concurrency is used up. */
  | { readonly kind: "busy" };

/** The router's code, wherever it runs. */
export interface RouterCall {
  readonly limits: BatchLimits;
  route(records: readonly ReplayRecord[]): Promise<RouterAnswer>;
}

/** The deployed router, by Invoke: with its own rights, configuration and metrics. */
export function deployedRouter(place: Pick<Place, "invokeRouter">, batchSize: number): RouterCall {
  return {
    limits: { records: batchSize, bytes: LAMBDA_PAYLOAD_MAX_BYTES },
    route: async (records) => {
      const bytes = records.reduce((sum, { entryBytes }) => sum + entryBytes + 1, EVENT_FRAME_BYTES);
      if (bytes - 1 > LAMBDA_PAYLOAD_MAX_BYTES) return { kind: "too-large" };
      try {
        const answer = await place.invokeRouter({ Records: records.map(({ entry }) => entry) });
        return answered(answer, records);
      } catch (error) {
        if (error instanceof AccessError && error.code === "FUNCTION_FAILED") {
          return { kind: "failed", error: error.message };
        }
        const { name } = error as Error;
        if (name === "TooManyRequestsException") return { kind: "busy" };
        throw error;
      }
    },
  };
}

/** As a mapping reads it, but that no answer, which it takes for success, is none here: it would be a loss. */
function answered(answer: unknown, records: readonly ReplayRecord[]): RouterAnswer {
  const failures = (answer as { batchItemFailures?: unknown } | null)?.batchItemFailures;
  if (!Array.isArray(failures)) {
    return { kind: "failed", error: "the function did not answer as the router does" };
  }
  const at = failures.map((failure: { itemIdentifier?: unknown } | null) =>
    records.findIndex(({ entry }) => entry.kinesis.sequenceNumber === failure?.itemIdentifier),
  );
  return { kind: "answered", from: at.reduce((a, b) => Math.min(a, Math.max(b, 0)), records.length) };
}
