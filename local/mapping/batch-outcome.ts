import type { InvokeResult } from "../lambda/invoke-result.ts";
import type { StreamRecord } from "./stream-record.ts";

/** What an invocation did to its batch: records before `from` are done. */
export type BatchOutcome =
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed"; readonly from: number }
  | { readonly kind: "throttled" };

const ALL_FAILED = { kind: "failed", from: 0 } as const;
const SUCCEEDED = { kind: "succeeded" } as const;

/**
 * Reads a function's answer. The lowest sequence number reported is the checkpoint: it and everything
 * after it failed. No list, an empty one or none at all: everything succeeded. An identifier that is
 * empty, null or not of this batch: everything failed.
 *
 * source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html, read 2026-11
 */
export function batchOutcome(
  result: InvokeResult,
  records: readonly StreamRecord[],
  reportBatchItemFailures: boolean,
): BatchOutcome {
  if (!result.ok) return result.throttled ? { kind: "throttled" } : ALL_FAILED;
  if (!reportBatchItemFailures) return SUCCEEDED;
  const failures = reported(result.payload);
  if (failures === undefined) return ALL_FAILED;
  const positions = new Map(records.map(({ sequenceNumber }, i) => [sequenceNumber, i]));
  let from = records.length;
  for (const failure of failures) {
    const position = positions.get(identifier(failure) ?? "");
    if (position === undefined) return ALL_FAILED;
    from = Math.min(from, position);
  }
  return from === records.length ? SUCCEEDED : { kind: "failed", from };
}

/** The list in the answer, or undefined when the answer is none that Lambda understands. */
function reported(payload: string): readonly unknown[] | undefined {
  const answer = parse(payload);
  if (answer === null) return [];
  if (typeof answer !== "object") return undefined;
  const failures: unknown = (answer as { batchItemFailures?: unknown }).batchItemFailures ?? [];
  return Array.isArray(failures) ? failures : undefined;
}

function identifier(failure: unknown): string | undefined {
  if (typeof failure !== "object" || failure === null) return undefined;
  const { itemIdentifier } = failure as { itemIdentifier?: unknown };
  return typeof itemIdentifier === "string" ? itemIdentifier : undefined;
}

/** Undefined for what is not JSON, and so no answer. */
function parse(payload: string): unknown {
  try {
    return payload === "" ? null : JSON.parse(payload);
  } catch {
    return undefined;
  }
}
