import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LAMBDA_PAYLOAD_MAX_BYTES } from "../../wire/limits.ts";
import { readBody } from "./body.ts";
import { answerMapping, mappingId, type SwitchedMapping } from "./event-source-mappings.ts";
import { failure, type InvokeFailure, type InvokeResult } from "./invoke-result.ts";

/**
 * POST /2015-03-31/functions/<name or ARN>/invocations    X-Amz-Invocation-Type: RequestResponse, Event or DryRun
 * GET, PUT /2015-03-31/event-source-mappings/<uuid>        see event-source-mappings.ts
 * GET  /                                                   { "id" }: which cloud it is
 *
 * source: Lambda API reference, Invoke, read 2026-11
 */
const PATH = /^\/2015-03-31\/functions\/([^/?]+)\/invocations(?:\?.*)?$/;
/** `name`, `account:function:name` or an ARN, each with or without a version. */
const NAME = /^(?:(?:arn:[\w-]+:lambda:[\w-]+:)?\d{12}:function:)?([\w-]{1,140})(?::([\w$-]+))?$/;

export interface InvokeApiOptions {
  readonly id: string;
  readonly functions: readonly InvokedFunction[];
  readonly mappings?: readonly SwitchedMapping[];
}

/** What a function is to somebody who invokes it. */
export interface InvokedFunction {
  readonly name: string;
  /** Never rejects: see `LambdaFunction`. */
  invoke(payload: string): Promise<InvokeResult>;
}

export interface InvokeApi {
  readonly endpoint: string;
  stop(): void;
}

/** What the service answers instead of running a function. */
const REFUSALS: Readonly<Record<string, { readonly status: number; readonly type: string }>> = {
  RequestEntityTooLargeException: { status: 413, type: "RequestTooLargeException" },
  TooManyRequestsException: { status: 429, type: "TooManyRequestsException" },
  ResourceInUseException: { status: 400, type: "ResourceInUseException" },
  ResourceConflictException: { status: 409, type: "ResourceConflictException" },
  ResourceNotFoundException: { status: 404, type: "ResourceNotFoundException" },
  InvalidParameterValueException: { status: 400, type: "InvalidParameterValueException" },
  InvalidRequestContentException: { status: 400, type: "InvalidRequestContentException" },
};

/** Lambda's Invoke on this machine, for the functions of one cloud. */
export async function startInvokeApi(options: InvokeApiOptions): Promise<InvokeApi> {
  // An invocation takes as long as its function.
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    route(request, response, options).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  { id, functions, mappings = [] }: InvokeApiOptions,
): Promise<void> {
  const { method, url = "/", headers } = request;
  if (method === "GET" && url === "/") return answer(response, 200, JSON.stringify({ id }));
  const uuid = mappingId(url);
  if (uuid !== undefined) {
    const mapping = mappings.find((one) => one.uuid === uuid);
    return answerMappingRequest(request, response, mapping);
  }
  const name = decodeURIComponent(PATH.exec(url)?.[1] ?? "");
  if (method !== "POST" || name === "")
    return refuse(response, failure("", "ResourceNotFoundException", url));
  const body = await readBody(request, LAMBDA_PAYLOAD_MAX_BYTES);
  if (body === undefined) return refuse(response, tooLarge());
  const found = find(name, functions);
  if (found === undefined) return refuse(response, notFound(name));
  const payload = body === "" ? "{}" : body;
  if (!isJson(payload)) return refuse(response, failure("", "InvalidRequestContentException", "not JSON"));
  switch (headers["x-amz-invocation-type"] ?? "RequestResponse") {
    case "RequestResponse":
      return answerInvocation(response, await found.invoke(payload));
    case "Event":
      void found.invoke(payload);
      return answer(response, 202, "");
    case "DryRun":
      return answer(response, 204, "");
    default:
      return refuse(response, failure("", "InvalidParameterValueException", "no such invocation type"));
  }
}

async function answerMappingRequest(
  request: IncomingMessage,
  response: ServerResponse,
  mapping: SwitchedMapping | undefined,
): Promise<void> {
  const isKnown = request.method === "GET" || request.method === "PUT";
  if (mapping === undefined || !isKnown) {
    const message = "The resource you requested does not exist.";
    return refuse(response, failure("", "ResourceNotFoundException", message));
  }
  const body = request.method === "PUT" ? await readBody(request, LAMBDA_PAYLOAD_MAX_BYTES) : undefined;
  const answered = answerMapping(mapping, body);
  if (!answered.ok) return refuse(response, failure("", answered.type, answered.message));
  answer(response, answered.accepted ? 202 : 200, JSON.stringify(answered.body));
}

function find(name: string, functions: readonly InvokedFunction[]): InvokedFunction | undefined {
  const [, bare, version = "$LATEST"] = NAME.exec(name) ?? [];
  return version === "$LATEST" ? functions.find(({ name }) => name === bare) : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** An error of the function is an answer: with 200, and told by a header. */
function answerInvocation(response: ServerResponse, result: InvokeResult): void {
  const version = { "x-amz-executed-version": "$LATEST" };
  if (result.ok) return answer(response, 200, result.payload, version);
  if (result.error.type in REFUSALS) return refuse(response, result);
  const { type: errorType, message: errorMessage } = result.error;
  // What its process died of, or its time-out, has no class of error of its own in the payload.
  answer(response, 200, JSON.stringify({ errorType, errorMessage }), {
    ...version,
    "x-amz-function-error": "Unhandled",
  });
}

function refuse(response: ServerResponse, { error }: InvokeFailure): void {
  const { status, type } = REFUSALS[error.type]!;
  answer(response, status, JSON.stringify({ Message: error.message, Type: "User" }), {
    "x-amzn-errortype": type,
  });
}

const notFound = (name: string): InvokeFailure =>
  failure("", "ResourceNotFoundException", `Function not found: ${name}`);

const tooLarge = (): InvokeFailure =>
  failure(
    "",
    "RequestEntityTooLargeException",
    `Request must be smaller than ${LAMBDA_PAYLOAD_MAX_BYTES} bytes`,
  );

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
}
