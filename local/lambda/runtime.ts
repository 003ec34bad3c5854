import { existsSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * What runs inside a function's process, like Lambda's own Node runtime: load the handler, then ask
 * for events one after the other. Everything it needs stands in the environment, under Lambda's names.
 */
type Handler = (event: unknown, context: object) => unknown;

const api = `http://${process.env["AWS_LAMBDA_RUNTIME_API"]}/2018-06-01/runtime`;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

class RuntimeError extends Error {
  constructor(name: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}

async function loadHandler(taskRoot: string, handler: string): Promise<Handler> {
  const [file = "", name = ""] = handler.split(".");
  const path = [".mjs", ".js", ".cjs"].map((end) => join(taskRoot, file + end)).find(existsSync);
  if (!path) throw new RuntimeError("Runtime.ImportModuleError", `Error: Cannot find module '${file}'`);
  const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  const found = module[name] ?? (module["default"] as Record<string, unknown> | undefined)?.[name];
  if (typeof found !== "function") {
    throw new RuntimeError("Runtime.HandlerNotFound", `${handler} is undefined or not exported`);
  }
  return found as Handler;
}

interface Reply {
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** Not fetch: that gives up on an answer that takes minutes, and `next` does. */
function call(method: "GET" | "POST", path: string, body?: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${api}${path}`, { method, agent }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
      incoming.on("end", () =>
        resolve({ headers: incoming.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    outgoing.on("error", reject).end(body);
  });
}

function describe(thrown: unknown): string {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return JSON.stringify({
    errorType: error.name,
    errorMessage: error.message,
    stackTrace: error.stack?.split("\n").slice(1) ?? [],
  });
}

async function serve(handler: Handler): Promise<never> {
  for (;;) {
    const { headers, body } = await call("GET", "/invocation/next");
    const requestId = String(headers["lambda-runtime-aws-request-id"]);
    const deadlineMs = Number(headers["lambda-runtime-deadline-ms"]);
    const context = {
      awsRequestId: requestId,
      callbackWaitsForEmptyEventLoop: true,
      functionName: process.env["AWS_LAMBDA_FUNCTION_NAME"],
      functionVersion: process.env["AWS_LAMBDA_FUNCTION_VERSION"],
      invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
      memoryLimitInMB: process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
      logGroupName: process.env["AWS_LAMBDA_LOG_GROUP_NAME"],
      logStreamName: process.env["AWS_LAMBDA_LOG_STREAM_NAME"],
      getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
    };
    let answer: readonly [verb: string, body: string];
    try {
      const result: unknown = await handler(JSON.parse(body), context);
      answer = ["response", JSON.stringify(result ?? null)];
    } catch (thrown) {
      console.error(thrown);
      answer = ["error", describe(thrown)];
    }
    await call("POST", `/invocation/${requestId}/${answer[0]}`, answer[1]);
  }
}

let handler: Handler;
try {
  handler = await loadHandler(process.env["LAMBDA_TASK_ROOT"] ?? "", process.env["_HANDLER"] ?? "");
} catch (thrown) {
  console.error(thrown);
  await call("POST", "/init/error", describe(thrown));
  process.exit(1);
}
await serve(handler);
