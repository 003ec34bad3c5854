import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LAMBDA_PAYLOAD_MAX_BYTES } from "../../wire/limits.ts";
import { readBody } from "./body.ts";
import { failure, type InvokeResult } from "./invoke-result.ts";

/**
 * GET  /2018-06-01/runtime/invocation/next           waits for an event
 * POST /2018-06-01/runtime/invocation/<id>/response  answers it
 * POST /2018-06-01/runtime/invocation/<id>/error     { errorType, errorMessage, stackTrace }
 * POST /2018-06-01/runtime/init/error                the same, before the first `next`
 *
 * source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, read 2026-11
 */
const PREFIX = "/2018-06-01/runtime";

export interface Invocation {
  readonly requestId: string;
  readonly functionArn: string;
  readonly deadlineMs: number;
  readonly payload: string;
}

interface ErrorBody {
  readonly errorType?: string;
  readonly errorMessage?: string;
}

/** The side of the Runtime API that Lambda serves, for one process and one invocation at a time. */
export class RuntimeApi {
  readonly #server: Server;
  readonly #initialized = Promise.withResolvers<ErrorBody | undefined>();
  #waiting: ServerResponse | undefined;
  #offered: Invocation | undefined;
  #running: { invocation: Invocation; settle: (result: InvokeResult) => void } | undefined;

  private constructor() {
    // A runtime may think for minutes between two requests on one connection.
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
      this.#route(request, response).catch(() => response.destroy());
    });
  }

  static async listen(): Promise<RuntimeApi> {
    const api = new RuntimeApi();
    await new Promise<void>((resolve, reject) => {
      api.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return api;
  }

  /** `host:port`, the value of AWS_LAMBDA_RUNTIME_API. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Settles with undefined at the first `next`, or with the init error. */
  get initialized(): Promise<ErrorBody | undefined> {
    return this.#initialized.promise;
  }

  /** Hands the event to the runtime and waits for its answer, for ever if the process dies. */
  run(invocation: Invocation): Promise<InvokeResult> {
    return new Promise((settle) => {
      this.#running = { invocation, settle };
      this.#offered = invocation;
      this.#hand();
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #hand(): void {
    const [response, invocation] = [this.#waiting, this.#offered];
    if (!response || !invocation) return;
    this.#waiting = this.#offered = undefined;
    response.writeHead(200, {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": invocation.requestId,
      "lambda-runtime-deadline-ms": `${invocation.deadlineMs}`,
      "lambda-runtime-invoked-function-arn": invocation.functionArn,
    });
    response.end(invocation.payload);
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? "";
    if (request.method === "GET" && url === `${PREFIX}/invocation/next`) {
      this.#initialized.resolve(undefined);
      this.#waiting = response;
      this.#hand();
      return;
    }
    const body = await readBody(request, LAMBDA_PAYLOAD_MAX_BYTES);
    const [, requestId, verb] = /\/invocation\/([\w-]+)\/(response|error)$/.exec(url) ?? [];
    if (url === `${PREFIX}/init/error`) this.#initialized.resolve(parseError(body));
    else if (requestId !== this.#running?.invocation.requestId)
      return answer(response, 403, "unknown request");
    else if (body === undefined) return this.#refuseLarge(response);
    else
      this.#settle(
        verb === "response" ? { ok: true, requestId: requestId!, payload: body } : this.#thrown(body),
      );
    answer(response, 202, "OK");
  }

  #thrown(body: string): InvokeResult {
    const { errorType = "Error", errorMessage = "" } = parseError(body);
    return failure(this.#running!.invocation.requestId, errorType, errorMessage);
  }

  #refuseLarge(response: ServerResponse): void {
    const message = `Response payload size exceeded maximum allowed payload size (${LAMBDA_PAYLOAD_MAX_BYTES} bytes).`;
    this.#settle(failure(this.#running!.invocation.requestId, "Function.ResponseSizeTooLarge", message));
    answer(response, 413, message);
  }

  #settle(result: InvokeResult): void {
    this.#running?.settle(result);
    this.#running = undefined;
  }
}

function parseError(body: string | undefined): ErrorBody {
  try {
    return JSON.parse(body ?? "") as ErrorBody;
  } catch {
    return { errorType: "Runtime.Unknown", errorMessage: body?.slice(0, 1_000) ?? "" };
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ status: text }));
}
