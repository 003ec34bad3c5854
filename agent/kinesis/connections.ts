import { readFileSync } from "node:fs";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { getCACertificates } from "node:tls";
import type { NodeHttpHandler } from "@smithy/node-http-handler";
import { AgentError, systemReason } from "../agent-error.ts";
import type { AwsConfig } from "../config/aws-config.ts";
import { ServiceConnections } from "./foreign-answer.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** What runs on this host is asked directly, whatever proxy there is. */
const LOOPBACK = "localhost,127.0.0.1,[::1]";

/**
 * HTTP/1.1 with connections kept alive: by itself the client opens an HTTP/2 session for each request.
 *
 * @param environment whose HTTPS_PROXY, HTTP_PROXY and NO_PROXY are heeded
 * @throws AgentError CA_FILE
 */
export function connections(
  { proxy, ca_file }: AwsConfig,
  environment: NodeJS.ProcessEnv,
  requestTimeoutMs: number | undefined,
): NodeHttpHandler {
  const options = { keepAlive: true, proxyEnv: proxyOf(proxy, environment) };
  return new ServiceConnections({
    connectionTimeout: CONNECT_TIMEOUT_MS,
    // The first ends with the headers of an answer; the second goes on, anew with each part of the rest.
    ...(requestTimeoutMs === undefined
      ? {}
      : { requestTimeout: requestTimeoutMs, socketTimeout: requestTimeoutMs }),
    throwOnRequestTimeout: true,
    httpAgent: new HttpAgent(options),
    httpsAgent: new HttpsAgent({ ...options, ...(ca_file === undefined ? {} : { ca: trusted(ca_file) }) }),
  });
}

function proxyOf(proxy: string | undefined, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const direct = environment["NO_PROXY"] ?? environment["no_proxy"];
  const named = proxy === undefined ? environment : { HTTPS_PROXY: proxy, HTTP_PROXY: proxy };
  return { ...named, no_proxy: undefined, NO_PROXY: direct ? `${LOOPBACK},${direct}` : LOOPBACK };
}

/** Those of Node or of NODE_EXTRA_CA_CERTS count as well. */
function trusted(file: string): string[] {
  try {
    return [...getCACertificates("default"), readFileSync(file, "utf8")];
  } catch (cause) {
    const hint = "Name a PEM file that the agent's user can read.";
    throw new AgentError("CA_FILE", file, systemReason(cause), hint, { cause });
  }
}
