import { KinesisClient, type KinesisClientConfig } from "@aws-sdk/client-kinesis";
import type { AgentConfig } from "../config/config.ts";
import { awsSchema } from "../config/aws-config.ts";
import { connections } from "./connections.ts";
import { DirectCall } from "./direct-call.ts";
import { endpointKind } from "./endpoint-kind.ts";
import { HeldCredentials } from "./held-credentials.ts";

type Settings = Pick<AgentConfig, "region" | "endpoint"> & Partial<Pick<AgentConfig, "aws" | "producer">>;

/** The SDK's client, and calls of PutRecords with bodies that are written already. */
export class AgentClient extends KinesisClient {
  readonly #held: HeldCredentials;
  readonly #putRecords = new DirectCall(this);

  constructor(config: KinesisClientConfig, held: HeldCredentials) {
    super({
      ...config,
      // Otherwise the SDK would hold them, too.
      credentials: Object.assign((caller?: Record<string, unknown>) => held.get(caller), { memoized: true }),
    });
    this.#held = held;
    this.middlewareStack.add((next) => (args) => this.#watched(next(args)), {
      step: "initialize",
      name: "heldCredentials",
    });
  }

  /** @returns the answer @throws as `DirectCall.send` does */
  putRecords(contentType: string, body: Buffer, signal: AbortSignal): Promise<unknown> {
    return this.#watched(this.#putRecords.send(contentType, body, signal));
  }

  #watched<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
      this.#held.failed(error);
      throw error;
    });
  }
}

/**
 * The producer retries, as it must for single entries anyway; the client does not.
 *
 * @param environment whose proxies are heeded
 * @throws AgentError CA_FILE
 */
export function kinesisClient(
  { region, endpoint, producer, aws = awsSchema.parse({}) }: Settings,
  environment: NodeJS.ProcessEnv = process.env,
): AgentClient {
  const config = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(aws.profile === undefined ? {} : { profile: aws.profile }),
    ...endpointKind(aws),
    maxAttempts: 1,
    requestHandler: connections(aws, environment, producer?.request_timeout_ms),
  };
  return new AgentClient(config, new HeldCredentials(aws));
}
