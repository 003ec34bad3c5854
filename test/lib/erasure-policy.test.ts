import { expect, test } from "vitest";
import { NEW_SERVERLESS, statements, Synthesized } from "./synth.ts";

test("who erases may replace objects of lines for good, and add records of erasures, which nobody takes away", () => {
  const stack = new Synthesized({ warehouse: NEW_SERVERLESS });
  const viaS3 = "StringEquals=kms:ViaService=s3.<AWS::Region>.amazonaws.com";
  expect(statements(stack.one("ErasurePolicy").Properties["PolicyDocument"])).toEqual(
    [
      `kms:Decrypt on <Key> if ${viaS3}`,
      `kms:GenerateDataKey on <Key> if ${viaS3}`,
      ...["data", "erasures", "rejected"].map((prefix) => `s3:PutObject on <Lake>/${prefix}/*`),
      ...["data", "rejected"].flatMap((prefix) => [
        `s3:DeleteObject on <Lake>/${prefix}/*`,
        `s3:DeleteObjectVersion on <Lake>/${prefix}/*`,
      ]),
      "s3:DeleteObject on <Lake>/erasures/open-*",
      "s3:GetBucketVersioning on <Lake>",
      "s3:ListBucketVersions on <Lake>",
    ].toSorted(),
  );
});
