import type { KinesisClient } from "@aws-sdk/client-kinesis";
import { AgentError } from "../agent-error.ts";
import { regionProblem } from "../config/region-name.ts";

/**
 * The region of the configuration, of the environment or of the profile.
 *
 * @throws AgentError REGION
 */
export async function regionOf(client: KinesisClient): Promise<string> {
  let region: string;
  try {
    region = await client.config.region();
  } catch (cause) {
    const hint =
      'Write region = "eu-west-1", say, above the first [table], or set AWS_REGION in /etc/weir/environment.';
    throw new AgentError("REGION", "region", "is not set", hint, { cause });
  }
  const problem = regionProblem(region);
  if (problem === undefined) return region;
  throw new AgentError("REGION", "region", problem, "It comes from AWS_REGION or from the profile.");
}
