import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { commitKey, objectDigest } from "../../wire/keys.ts";
import { RouterError } from "./router-error.ts";
import type { RoutedBatch } from "./router.ts";

/** Objects on their way at a time: enough to hide S3's latency, few beside a client's 50 sockets. */
const CONCURRENT_PUTS = 8;

/** The commit's key, or why the batch should come again. */
export type WriteResult = { readonly committed: string } | { readonly retry: RouterError };

/**
 * Writes a batch to the lake: its objects in any order, and once all stand, the commit. Until then nothing
 * of it exists, and writing it again writes the same.
 *
 * @param now the time of writing, which the commit is filed by
 * @param signal gives up; the batch should come again then
 * @throws RouterError SINK_REFUSED where trying again is of no use before somebody changes something
 */
export async function writeBatch(
  s3: S3Client,
  bucket: string,
  { id, objects, commit }: RoutedBatch,
  now: Date,
  signal: AbortSignal,
): Promise<WriteResult> {
  const body = Buffer.from(JSON.stringify(commit));
  const key = commitKey(now, id, objectDigest(body));
  try {
    await putAll(s3, bucket, objects, signal);
    await put(s3, bucket, { key, body }, signal);
  } catch (error) {
    if (error instanceof RouterError && error.code === "SINK_FAILED") return { retry: error };
    throw error;
  }
  return { committed: key };
}

/** Stops at the first failure, and throws it once nothing is on its way any more. */
async function putAll(
  s3: S3Client,
  bucket: string,
  objects: RoutedBatch["objects"],
  signal: AbortSignal,
): Promise<void> {
  const failures: unknown[] = [];
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const pending = objects.values();
  const putPending = async (): Promise<void> => {
    try {
      for (const object of pending) await put(s3, bucket, object, either);
    } catch (error) {
      failures.push(error);
      failed.abort();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_PUTS }, putPending));
  if (failures.length > 0) throw failures[0];
}

async function put(
  s3: S3Client,
  bucket: string,
  { key, body }: RoutedBatch["objects"][number],
  signal: AbortSignal,
): Promise<void> {
  const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentLength: body.length });
  try {
    await s3.send(command, { abortSignal: signal });
  } catch (cause) {
    throw sinkError(cause as Error, `s3://${bucket}/${key}`);
  }
}

/** The service's own answers to a request that may be made again. S3 error responses, read 2026-11. */
const RETRYABLE = new Set([408, 429]);

/**
 * An answer below 500 is a refusal: the role, the bucket or the request is wrong. Anything without an
 * answer (a reset, a name that does not resolve, a time-out, our own deadline) may go better next time, but
 * for missing credentials.
 */
function sinkError(cause: Error, object: string): RouterError {
  const status = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const answered = status !== undefined && status < 500 && !RETRYABLE.has(status);
  if (answered || cause.name === "CredentialsProviderError") {
    const hint = "check the bucket's name and policy, and the role of the router";
    return new RouterError("SINK_REFUSED", `${object}: ${cause.name}, ${cause.message}`, hint, { cause });
  }
  const hint = "the event source mapping brings the batch again";
  return new RouterError("SINK_FAILED", `${object}: ${cause.name}, ${cause.message}`, hint, { cause });
}
