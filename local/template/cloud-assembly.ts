import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { TemplateError } from "./template-error.ts";

/**
 * cdk.out/manifest.json          which files there are
 * cdk.out/<stack>.template.json  the resources
 * cdk.out/<stack>.assets.json    where the code of each S3 key lies, relative to cdk.out
 *
 * source: aws-cdk-lib/cloud-assembly-schema, read 2026-11
 */
const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({ type: z.string(), properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
const assetsSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

export type Resources = z.output<typeof templateSchema>["Resources"];

/** What `cdk synth` left: one stack's resources, and the folders of its assets. */
export interface CloudAssembly {
  readonly stackName: string;
  readonly resources: Resources;
  /** Absolute path of an asset by the S3 key it would be uploaded under. */
  readonly assetPaths: ReadonlyMap<string, string>;
}

/** @throws TemplateError NOT_SYNTHESIZED */
export function readCloudAssembly(cdkOut: string): CloudAssembly {
  const { artifacts } = read(cdkOut, "manifest.json", manifestSchema);
  const ofType = (type: string): [string, Record<string, unknown>] => {
    const found = Object.entries(artifacts).filter(([, artifact]) => artifact.type === type);
    if (found.length !== 1) {
      throw new TemplateError(
        "NOT_SYNTHESIZED",
        `${cdkOut} has ${found.length} artifacts of ${type}, not one`,
      );
    }
    return [found[0]![0], found[0]![1].properties];
  };
  const [stackName, stack] = ofType("aws:cloudformation:stack");
  const [, assetManifest] = ofType("cdk:asset-manifest");
  const { Resources: resources } = read(cdkOut, String(stack["templateFile"]), templateSchema);
  const { files } = read(cdkOut, String(assetManifest["file"]), assetsSchema);

  const assetPaths = new Map<string, string>();
  for (const { source, destinations } of Object.values(files)) {
    for (const { objectKey } of Object.values(destinations)) {
      assetPaths.set(objectKey, resolve(cdkOut, source.path));
    }
  }
  return { stackName, resources, assetPaths };
}

function read<S extends z.ZodType>(cdkOut: string, file: string, schema: S): z.output<S> {
  const path = resolve(cdkOut, file);
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new TemplateError("NOT_SYNTHESIZED", `${path} is not what cdk synth writes`, undefined, { cause });
  }
}
