import { answerCommand } from "../../../lambdas/router/reparse/answer-command.ts";
import type { WeirConfig } from "../../../wire/config.ts";
import type { ReparseAnswer, RouterAnswer, RouterRequest } from "../../../wire/router-command.ts";
import { AccessError } from "../../access/access-error.ts";
import type { Place } from "../../access/place.ts";

/** Has objects filed anew, wherever the router's code runs. @throws AccessError */
export type FileAnew = (objects: readonly string[], dryRun: boolean) => Promise<ReparseAnswer>;

/** As long as a function of Lambda may run. */
const IN_PROCESS_MS = 900_000;

/** By the deployed router, with its own rights and its configuration. */
export function deployedReparse({ invokeRouter }: Pick<Place, "invokeRouter">): FileAnew {
  return async (objects, dryRun) => answered((await invokeRouter(request(objects, dryRun))) as RouterAnswer);
}

/** By the router's own code in this process, with the credentials of whoever runs it. */
export function inProcessReparse({ s3, bucket }: Pick<Place, "s3" | "bucket">, config: WeirConfig): FileAnew {
  return async (objects, dryRun) => {
    const end = Date.now() + IN_PROCESS_MS;
    const parts = { config, s3, bucket, logger: { info: () => {} }, remainingMs: () => end - Date.now() };
    return answered(await answerCommand(request(objects, dryRun), parts));
  };
}

const request = (objects: readonly string[], dryRun: boolean): RouterRequest => ({
  command: "reparse",
  objects: [...objects],
  dryRun,
});

function answered(answer: Partial<RouterAnswer> | null): ReparseAnswer {
  if (answer?.ok === true) return answer as ReparseAnswer;
  if (answer?.ok === false && answer.error !== undefined) {
    const { code, message } = answer.error;
    throw new AccessError("REFUSED", message, undefined, { refusal: code });
  }
  throw new AccessError(
    "REFUSED",
    "the router did not answer as one of this release",
    "Deploy this release first.",
  );
}
