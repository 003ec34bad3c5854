import { GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { parseErasure, parseErasureKey } from "../../wire/erasure.ts";
import { PREFIX } from "../../wire/keys.ts";

/** Rows that recorded erasures have taken out of the lake, by type. There are few of them, and mostly none. */
export async function* readErasedRows(
  s3: S3Client,
  bucket: string,
): AsyncGenerator<{ readonly type: string; readonly rows: number }> {
  // Delimited, so that the files of each erasure are not listed.
  const list = { Bucket: bucket, Prefix: PREFIX.erasures, Delimiter: "/" };
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ ...list, ContinuationToken }));
    for (const { Key } of page.Contents ?? []) {
      if (parseErasureKey(Key!) === undefined) continue;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: Key! }));
      const { type, rows } = parseErasure(await Body!.transformToString(), Key!);
      yield { type, rows };
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
}
