import { CloudFormationClient, DescribeStacksCommand, type Stack } from "@aws-sdk/client-cloudformation";
import { MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import { AccessError } from "./access-error.ts";
import type { PlaceNames } from "./place.ts";

/**
 * Reads from a deployed stack's outputs what its parts are called.
 *
 * @param region the AWS SDK's own choice where undefined
 * @throws AccessError NO_STACK, NO_OUTPUT
 */
export async function stackNames(name: string, region: string | undefined): Promise<PlaceNames> {
  const client = new CloudFormationClient(region === undefined ? {} : { region });
  try {
    const used = await client.config.region();
    const stack = await describe(client, name, used);
    const outputs = new Map(stack.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
    const output = (key: string): string => {
      const value = outputs.get(key);
      if (value !== undefined) return value;
      const hint = "Is it a stack of Weir? One of an earlier release has to be deployed anew.";
      throw new AccessError("NO_OUTPUT", `stack ${name} in ${used} has no output ${key}`, hint);
    };
    return {
      title: `stack ${name} in ${used}`,
      region,
      buckets: { lake: output("LakeBucket"), failures: output("FailureBucket") },
      stream: output("StreamName"),
      mapping: outputs.get("RouterMapping"),
      functions: { router: output("RouterFunction"), loaders: loadersOf(outputs) },
    };
  } finally {
    client.destroy();
  }
}

/** `LoaderFunction` is the main warehouse's, `ArchiveLoaderFunction` that of one named `archive`. */
function loadersOf(outputs: ReadonlyMap<string | undefined, string | undefined>): Map<string, string> {
  const found = [...outputs].flatMap(([key = "", value]) => {
    const match = /^([A-Z][a-z0-9]*)?LoaderFunction$/.exec(key);
    if (value === undefined || !match) return [];
    return [[match[1]?.toLowerCase() ?? MAIN_WAREHOUSE, value] as const];
  });
  const isMain = ([name]: readonly [string, string]): number => Number(name === MAIN_WAREHOUSE);
  return new Map(found.sort((a, b) => isMain(b) - isMain(a)));
}

async function describe(client: CloudFormationClient, StackName: string, region: string): Promise<Stack> {
  try {
    return (await client.send(new DescribeStacksCommand({ StackName }))).Stacks![0]!;
  } catch (cause) {
    const { name, message } = cause as Error;
    if (name !== "ValidationError" || !message.includes("does not exist")) throw cause;
    const hint =
      "Its name is that of the configuration, with stack.environment appended; --region says where it is.";
    throw new AccessError("NO_STACK", `there is no stack ${StackName} in ${region}`, hint, { cause });
  }
}
