import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { AgentConfig } from "../config.ts";

const CONNECT_TIMEOUT_MS = 5_000;

type Settings = Pick<AgentConfig, "region" | "endpoint"> & Partial<Pick<AgentConfig, "aws" | "producer">>;

/**
 * HTTP/1.1 with connections kept alive: by itself the client opens an HTTP/2 session for each request.
 * The producer retries, as it must for single entries anyway; the client does not.
 *
 * @param environment whose HTTPS_PROXY, HTTP_PROXY and NO_PROXY are heeded
 */
export function kinesisClient(
  { region, endpoint, aws, producer }: Settings,
  environment: NodeJS.ProcessEnv = process.env,
): KinesisClient {
  const connections = { keepAlive: true, ...(isLoopback(endpoint) ? {} : { proxyEnv: environment }) };
  return new KinesisClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(aws?.profile === undefined ? {} : { profile: aws.profile }),
    // Absent, and not false, so that AWS_USE_FIPS_ENDPOINT and its like still count.
    ...(aws?.use_fips ? { useFipsEndpoint: true } : {}),
    ...(aws?.use_dual_stack ? { useDualstackEndpoint: true } : {}),
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_TIMEOUT_MS,
      ...(producer === undefined ? {} : { requestTimeout: producer.request_timeout_ms }),
      throwOnRequestTimeout: true,
      httpAgent: new HttpAgent(connections),
      httpsAgent: new HttpsAgent(connections),
    }),
  });
}

/** What runs on this host is asked directly, whatever proxy the environment names. */
function isLoopback(endpoint: string | undefined): boolean {
  return endpoint !== undefined && /^(localhost|127\.|\[::1\])/.test(new URL(endpoint).hostname);
}
