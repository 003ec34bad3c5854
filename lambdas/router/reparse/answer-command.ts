import type { S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import type { WeirConfig } from "../../../wire/config.ts";
import { type RouterAnswer, routerCommandSchema } from "../../../wire/router-command.ts";
import { ErasedLines } from "./erased-lines.ts";
import { Reparse } from "./reparse.ts";
import { ReparseLake } from "./reparse-lake.ts";
import { reparseObjects } from "./reparse-objects.ts";

/** Part of the function's memory that an object may take as it is stored. */
const STORED_SHARE = 1 / 8;

export interface CommandParts {
  /** What lines are filed by. */
  readonly config: WeirConfig;
  readonly s3: S3Client;
  /** The lake. */
  readonly bucket: string;
  readonly logger: { info(message: string, fields: Record<string, unknown>): void };
  /** Until the function has to answer. */
  readonly remainingMs: () => number;
}

/** Carries out what an operator asks of the router. */
export async function answerCommand(
  event: unknown,
  { config, s3, bucket, logger, remainingMs }: CommandParts,
): Promise<RouterAnswer> {
  const { data: command, error } = routerCommandSchema.safeParse(event);
  if (error) return { ok: false, error: { code: "BAD_COMMAND", message: z.prettifyError(error) } };
  const signal = AbortSignal.timeout(remainingMs());
  const lake = new ReparseLake(s3, bucket, config.router.memoryMb * 2 ** 20 * STORED_SHARE, signal);
  const erased = new ErasedLines(lake, config.types);
  const parts = { reparse: new Reparse(config), lake, erased, now: () => new Date(), remainingMs, signal };
  const answer = await reparseObjects(command, parts);
  // Lines are for the operator's eyes: the log tells which objects, and what was counted.
  for (const { key, ...outcome } of answer.objects) {
    const { reasons: _, ...told } = { reasons: [], ...outcome };
    logger.info("reparsed", { key, dryRun: command.dryRun, ...told });
  }
  return { ok: true, ...answer };
}
