import { STATUS_CODES } from "node:http";
import { Readable } from "node:stream";
import { NodeHttpHandler } from "@smithy/node-http-handler";

/** No service says more about an error. */
const ERROR_MAX_BYTES = 64 * 2 ** 10;

/** Characters that are shown of what a proxy says: enough to know it by. */
const SHOWN_CHARACTERS = 200;

type Handled = Awaited<ReturnType<NodeHttpHandler["handle"]>>;
type Answer = Handled["response"];

/**
 * Tells answers of proxies, load balancers and web servers from those of the service: the SDK takes them for the
 * service's own, and says that they are no JSON.
 */
export class ServiceConnections extends NodeHttpHandler {
  /** @throws Error with the status and the beginning of an answer that no service gives */
  override async handle(...request: Parameters<NodeHttpHandler["handle"]>): Promise<Handled> {
    const handled = await super.handle(...request);
    const { response } = handled;
    const isTaken = response.statusCode === 200;
    if (isTaken && !/^text\/(html|plain)/i.test(response.headers["content-type"] ?? "")) return handled;
    const body = await beginning(response.body as Readable, ERROR_MAX_BYTES);
    if (isTaken || !isOfService(response, body)) throw new Error(foreignReason(response, body));
    // CBOR is read from a stream alone.
    response.body = Readable.from([body], { objectMode: false });
    return handled;
  }
}

/** Reads an answer, and of a longer one the first `maxBytes`. */
export async function beginning(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

/** A service names its request, or the error. */
function isOfService({ headers }: Answer, body: Buffer): boolean {
  if (headers["x-amzn-requestid"] !== undefined || headers["x-amzn-errortype"] !== undefined) return true;
  if (/cbor/i.test(headers["content-type"] ?? "")) return true;
  try {
    const error = JSON.parse(body.toString()) as { __type?: unknown; code?: unknown } | null;
    return error?.__type !== undefined || error?.code !== undefined;
  } catch {
    return false;
  }
}

function foreignReason({ statusCode, headers }: Answer, body: Buffer): string {
  const status = `HTTP ${statusCode} ${STATUS_CODES[statusCode] ?? ""}`.trim();
  const location = headers["location"] === undefined ? "" : ` to ${shown(headers["location"])}`;
  const text = shown(body.toString());
  return `${status}${location}, not from the service: ${text === "" ? "no more is said" : text}`;
}

/** No control characters, for terminals and logs. */
function shown(text: string): string {
  const clean = text.replaceAll(/[\p{C}\s]+/gu, " ").trim();
  return clean.length > SHOWN_CHARACTERS ? `${clean.slice(0, SHOWN_CHARACTERS)}...` : clean;
}
