import { KinesisClient } from "@aws-sdk/client-kinesis";
import type { AgentConfig } from "../config/config.ts";
import { awsSchema } from "../config/aws-config.ts";
import { connections } from "./connections.ts";
import { endpointKind } from "./endpoint-kind.ts";
import { HeldCredentials } from "./held-credentials.ts";

type Settings = Pick<AgentConfig, "region" | "endpoint"> & Partial<Pick<AgentConfig, "aws" | "producer">>;

/**
 * The producer retries, as it must for single entries anyway; the client does not.
 *
 * @param environment whose proxies are heeded
 * @throws AgentError CA_FILE
 */
export function kinesisClient(
  { region, endpoint, producer, aws = awsSchema.parse({}) }: Settings,
  environment: NodeJS.ProcessEnv = process.env,
): KinesisClient {
  const held = new HeldCredentials(aws);
  const credentials = (caller?: Record<string, unknown>) => held.get(caller);
  const client = new KinesisClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(aws.profile === undefined ? {} : { profile: aws.profile }),
    ...endpointKind(aws),
    // Otherwise the SDK would hold them, too.
    credentials: Object.assign(credentials, { memoized: true }),
    maxAttempts: 1,
    requestHandler: connections(aws, environment, producer?.request_timeout_ms),
  });
  client.middlewareStack.add(
    (next) => (args) =>
      next(args).catch((error: unknown) => {
        held.failed(error);
        throw error;
      }),
    { step: "initialize", name: "heldCredentials" },
  );
  return client;
}
