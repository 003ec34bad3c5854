import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { listPages } from "../../lambdas/commit-log/list-pages.ts";
import { parseErasure, parseErasureKey } from "../../wire/erasure.ts";
import { PREFIX } from "../../wire/keys.ts";

/** Rows that recorded erasures have taken out of the lake, by type. There are few of them, and mostly none. */
export async function* readErasedRows(
  s3: S3Client,
  bucket: string,
): AsyncGenerator<{ readonly type: string; readonly rows: number }> {
  // Delimited, so that the files of each erasure are not listed.
  const list = { Bucket: bucket, Prefix: PREFIX.erasures, Delimiter: "/" };
  for await (const page of listPages(s3, list)) {
    for (const { Key } of page) {
      if (parseErasureKey(Key!) === undefined) continue;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: Key! }));
      const { type, rows } = parseErasure(await Body!.transformToString(), Key!);
      yield { type, rows };
    }
  }
}
