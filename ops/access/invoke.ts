import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { LoaderAnswer, LoaderAnswers, LoaderRequest } from "../../wire/loader-command.ts";
import { AccessError } from "./access-error.ts";

/** Has a function deal with an event, and waits for its answer. @throws AccessError FUNCTION_FAILED */
export async function invoke(lambda: LambdaClient, name: string, event: object): Promise<unknown> {
  const command = new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) });
  const { Payload, FunctionError } = await lambda.send(command);
  const text = Buffer.from(Payload ?? []).toString();
  if (FunctionError === undefined) return JSON.parse(text) as unknown;
  const { errorType, errorMessage } = JSON.parse(text) as { errorType?: string; errorMessage?: string };
  // Of a time-out, Lambda tells no type.
  const said = [errorType, errorMessage].filter((part) => part !== undefined).join(": ");
  throw new AccessError("FUNCTION_FAILED", `${name} failed: ${said}`, "Its log group has more.");
}

/** Has the loader carry out a command. @throws AccessError REFUSED with the loader's reason, FUNCTION_FAILED */
export async function invokeLoader<R extends LoaderRequest>(
  lambda: LambdaClient,
  name: string,
  command: R,
): Promise<LoaderAnswers[R["command"]]> {
  const answered = (await invoke(lambda, name, command)) as Partial<LoaderAnswer> | null;
  if (answered?.ok === true) return answered as LoaderAnswers[R["command"]];
  if (answered?.ok !== false || answered.error === undefined) {
    // It took the command for a tick, and ran one.
    throw new AccessError("REFUSED", `${name} knows no commands`, "Deploy this release first.");
  }
  const { code, message, hint } = answered.error;
  throw new AccessError("REFUSED", message, hint, { refusal: code });
}
