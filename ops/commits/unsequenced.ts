import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { type ListedCommit, listCommits } from "../../lambdas/commit-log/commit-listing.ts";
import { readAhead } from "../../lambdas/commit-log/read-ahead.ts";
import { assertCommitSize, type Commit, parseCommit } from "../../wire/commit.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import { WireError } from "../../wire/wire-error.ts";

const READ_AHEAD = { items: 16, bytes: 4 * COMMIT_MAX_BYTES };

/** A commit that is not in the log, or why it cannot be read. */
export type UnsequencedCommit = { readonly key: string } & (
  | { readonly commit: Commit }
  | { readonly error: Error }
);

/** Commits whose keys sort after `after` and that are not known, in order. One that is removed meanwhile is left out. */
export async function* unsequencedCommits(
  s3: S3Client,
  bucket: string,
  after: string,
  isKnown: (key: string) => boolean,
): AsyncGenerator<UnsequencedCommit> {
  const unknown = async function* (): AsyncGenerator<ListedCommit> {
    for await (const page of listCommits(s3, bucket, after)) {
      for (const commit of page) if (!isKnown(commit.key)) yield commit;
    }
  };
  const read = (commit: ListedCommit): Promise<ReadResult> => readCommit(s3, bucket, commit);
  for await (const { item, result } of readAhead(unknown(), read, READ_AHEAD)) {
    if ("failed" in result) throw result.failed;
    if (!("gone" in result)) yield { key: item.key, ...result };
  }
}

type ReadResult = { commit: Commit } | { error: Error } | { gone: true } | { failed: Error };

/** What S3 will not give of one object: it is archived. */
const ARCHIVED = "InvalidObjectState";

/** Never throws: it is called ahead of the commit's turn. */
export async function readCommit(
  s3: S3Client,
  bucket: string,
  { key, bytes }: Pick<ListedCommit, "key" | "bytes">,
): Promise<ReadResult> {
  try {
    assertCommitSize(bytes, key);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return { commit: parseCommit(await Body!.transformToString(), key) };
  } catch (error) {
    const { name } = error as Error;
    if (name === "NoSuchKey") return { gone: true };
    return error instanceof WireError || name === ARCHIVED
      ? { error: error as Error }
      : { failed: error as Error };
  }
}
