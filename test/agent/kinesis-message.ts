import type { IncomingMessage, ServerResponse } from "node:http";
import { cbor } from "@smithy/core/cbor";

const CBOR = "application/x-amz-cbor-1.1";

/** A request as the JSON that it is, or that it would be, with data in base64. */
export async function readRequest(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (request.headers["content-type"] !== CBOR) return body.toString();
  return JSON.stringify(cbor.deserialize(body), (_, value: unknown) =>
    isBufferJson(value) ? Buffer.from(value.data).toString("base64") : value,
  );
}

function isBufferJson(value: unknown): value is { data: number[] } {
  return typeof value === "object" && value !== null && "type" in value && value.type === "Buffer";
}

/** Answers in the language of the request, as Kinesis does. */
export function answerInKind(response: ServerResponse, status: number, body: object): void {
  const isCbor = response.req.headers["content-type"] === CBOR;
  response.writeHead(status, { "content-type": isCbor ? CBOR : "application/x-amz-json-1.1" });
  response.end(isCbor ? cbor.serialize(JSON.parse(JSON.stringify(body))) : JSON.stringify(body));
}
