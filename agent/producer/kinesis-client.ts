import { KinesisClient } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { AgentConfig } from "../config.ts";

const CONNECT_TIMEOUT_MS = 5_000;

type ClientConfig = Pick<AgentConfig, "region" | "endpoint"> & {
  readonly producer: Pick<AgentConfig["producer"], "request_timeout_ms">;
};

/**
 * HTTP/1.1 with connections kept alive: by itself the client opens an HTTP/2 session for each request.
 * The producer retries, as it must for single entries anyway; the client does not.
 */
export function kinesisClient({ region, endpoint, producer }: ClientConfig): KinesisClient {
  return new KinesisClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: producer.request_timeout_ms,
      throwOnRequestTimeout: true,
    }),
  });
}
