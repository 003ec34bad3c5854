import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";

/** For token and answer together: a start does not wait longer for what may not be there. */
const TIMEOUT_MS = 1_000;
/** Longer than a token, which has 56. */
const MAX_BYTES = 1_024;

/** 8 or 17 hexadecimal digits: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html, read 2026-11 */
const INSTANCE_ID = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;

/** @returns undefined for a placeholder */
export function asInstanceId(text: string | undefined): string | undefined {
  return text !== undefined && INSTANCE_ID.test(text) && !/^i-0+$/.test(text) ? text : undefined;
}

/**
 * Asks instance metadata (version 2) which instance this is, with the variables that the AWS SDKs have for it.
 *
 * @returns undefined where nothing answers in time, or what answers is something else
 */
export async function askInstanceId(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const [id] = await askMetadata(environment, ["instance-id"]);
  return asInstanceId(id);
}

/**
 * Asks instance metadata (version 2) for several things, by their names below `latest/meta-data/`.
 *
 * @returns each in its place, undefined where there is none, or nothing answers in time
 */
export async function askMetadata(
  environment: NodeJS.ProcessEnv,
  names: readonly string[],
): Promise<(string | undefined)[]> {
  const nothing = names.map(() => undefined);
  if (environment["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true") return nothing;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const endpoint = endpointIn(environment);
    const lifetime = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
    const token = await ask(new URL("/latest/api/token", endpoint), "PUT", lifetime, signal);
    const header = { "x-aws-ec2-metadata-token": token };
    const one = async (name: string): Promise<string | undefined> => {
      const url = new URL(`/latest/meta-data/${name.split("/").map(encodeURIComponent).join("/")}`, endpoint);
      return await ask(url, "GET", header, signal).catch(() => undefined);
    };
    return await Promise.all(names.map(one));
  } catch {
    return nothing;
  }
}

function endpointIn(environment: NodeJS.ProcessEnv): string {
  const isIPv6 = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.toLowerCase() === "ipv6";
  const usual = isIPv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  return environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] || usual;
}

/** @throws where the answer is none, or not in time */
async function ask(
  url: URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const call = request(url, { method, headers, signal, agent: false }).end();
  // What comes too late to be thrown here.
  call.on("error", () => {});
  const [response] = (await once(call, "response", { signal })) as [IncomingMessage];
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`${url.pathname} answers with more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (response.statusCode !== 200) throw new Error(`${url.pathname} answers ${response.statusCode}`);
  return Buffer.concat(chunks).toString().trim();
}
