import { fileURLToPath } from "node:url";
import { Duration } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { PREFIX } from "../wire/keys.ts";
import { allowKeyUse } from "./encryption-key.ts";
import { handlerCode } from "./handler-code.ts";
import { HandlerFunction } from "./handler-function.ts";
import { allowListing, allowObjects } from "./object-access.ts";
import { Tick } from "./tick.ts";

const ENTRY = fileURLToPath(new URL("../lambdas/sequencer/handler.ts", import.meta.url));

/**
 * Several times what it holds, for the whole CPU that comes with it: a commit takes 2 ms, most of it the SDK's. source:
 * "Configure Lambda function memory", read 2026-11
 */
const MEMORY_MB = 1_769;
/** A run takes on new work for less than a minute; the rest is for what it has begun. */
const TIMEOUT_SECONDS = 120;
const EVERY = Duration.minutes(1);

export interface SequencerProps {
  readonly config: WeirConfig;
  readonly lake: IBucket;
  readonly key: IKey;
}

/** Commits in the lake to the log that every consumer reads: the sequencer's function and its tick. */
export class Sequencer extends Construct {
  readonly function: IFunction;

  constructor(scope: Construct, id: string, { config, lake, key }: SequencerProps) {
    super(scope, id);
    // Two at once do no harm, so no concurrency is reserved for it.
    const handler = new HandlerFunction(this, "Handler", {
      description: "Weir sequencer: commits in the lake to the log of commits",
      code: handlerCode(ENTRY, config),
      key,
      memoryMb: MEMORY_MB,
      timeoutSeconds: TIMEOUT_SECONDS,
      logRetentionDays: config.stack.logRetentionDays,
      environment: { WEIR_LAKE_BUCKET: lake.bucketName },
    });
    this.function = handler.function;

    allowObjects(handler.role, lake, ["s3:GetObject"], [PREFIX.commits, PREFIX.log]);
    allowObjects(handler.role, lake, ["s3:PutObject"], [PREFIX.log]);
    allowListing(handler.role, lake);
    allowKeyUse(handler.role, lake.encryptionKey, "s3", ["kms:Decrypt", "kms:GenerateDataKey"]);

    // A tick that could not run is made good by the next one.
    handler.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: EVERY });
    new Tick(this, "Tick", { target: handler.function, every: EVERY, name: "sequencer" });
  }
}
