import type { S3Client } from "@aws-sdk/client-s3";
import { PREFIX } from "../../wire/keys.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import { listPages } from "./list-pages.ts";

/** A commit that is there. */
export interface ListedCommit {
  readonly key: string;
  readonly bytes: number;
  readonly lastModified: Date;
}

/** Commits whose keys sort after `after`, in order, page by page. */
export async function* listCommits(
  s3: S3Client,
  bucket: string,
  after: string,
): AsyncGenerator<readonly ListedCommit[]> {
  const list = { Bucket: bucket, Prefix: PREFIX.commits, StartAfter: after === "" ? undefined : after };
  for await (const page of listPages(s3, list)) {
    yield (
      page
        // The console makes an empty object for a folder.
        .filter(({ Key }) => !Key!.endsWith("/"))
        // What has no size counts as the largest.
        .map(({ Key, Size = COMMIT_MAX_BYTES, LastModified = new Date() }) => ({
          key: Key!,
          bytes: Size,
          lastModified: LastModified,
        }))
    );
  }
}
