import {
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type S3Client,
  type _Object,
} from "@aws-sdk/client-s3";

/** What a listing finds, in the order of the keys, a page at a time: whoever leaves has asked for no further one. */
export async function* listPages(
  s3: S3Client,
  list: Omit<ListObjectsV2CommandInput, "ContinuationToken">,
  abortSignal?: AbortSignal,
): AsyncGenerator<readonly _Object[]> {
  let ContinuationToken: string | undefined;
  do {
    const command = new ListObjectsV2Command({ ...list, ContinuationToken });
    const { Contents = [], NextContinuationToken } = await s3.send(command, {
      ...(abortSignal && { abortSignal }),
    });
    yield Contents;
    ContinuationToken = NextContinuationToken;
  } while (ContinuationToken !== undefined);
}
