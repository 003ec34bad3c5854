import { fileURLToPath } from "node:url";
import { Duration, Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { PREFIX } from "../wire/keys.ts";
import { HEARTBEAT_TYPE } from "../wire/log-type.ts";
import { allowKeyUse } from "./encryption-key.ts";
import { handlerCode } from "./handler-code.ts";
import { HandlerFunction } from "./handler-function.ts";
import { allowListing, allowObjects } from "./object-access.ts";
import { Tick } from "./tick.ts";

const ENTRY = fileURLToPath(new URL("../lambdas/fleet/handler.ts", import.meta.url));

/** Ten thousand hosts and their files are some 100 MB while they are looked at. */
const MEMORY_MB = 512;
/** No longer than until the next run: two at once would tell twice. */
const TIMEOUT_SECONDS = 60;
const EVERY = Duration.minutes(1);

export interface FleetWatchProps {
  readonly config: WeirConfig;
  readonly lake: IBucket;
  readonly key: IKey;
  /** Where it tells what is wrong. */
  readonly topic: ITopic;
}

/** Hosts and files by the heartbeats of agents: which are silent, stuck or unreadable. A function and its tick. */
export class FleetWatch extends Construct {
  readonly function: IFunction;

  constructor(scope: Construct, id: string, { config, lake, key, topic }: FleetWatchProps) {
    super(scope, id);
    const { silentMinutes, stuckMinutes, stoppedMinutes, forgetHours } = config.alarms.fleet;
    const handler = new HandlerFunction(this, "Handler", {
      description: "Weir fleet watch: which hosts are silent, and which files are stuck or unreadable",
      code: handlerCode(ENTRY, config),
      key,
      memoryMb: MEMORY_MB,
      timeoutSeconds: TIMEOUT_SECONDS,
      logRetentionDays: config.stack.logRetentionDays,
      environment: {
        WEIR_LAKE_BUCKET: lake.bucketName,
        WEIR_ALARM_TOPIC: topic.topicArn,
        WEIR_STACK: Stack.of(this).stackName,
        WEIR_SILENT_MINUTES: String(silentMinutes),
        WEIR_STUCK_MINUTES: String(stuckMinutes),
        ...(stoppedMinutes !== undefined && { WEIR_STOPPED_MINUTES: String(stoppedMinutes) }),
        WEIR_FORGET_MINUTES: String(forgetHours * 60),
      },
    });
    this.function = handler.function;

    const { role } = handler;
    allowObjects(role, lake, ["s3:GetObject"], [PREFIX.log, `${PREFIX.data}type=${HEARTBEAT_TYPE}/`]);
    allowObjects(role, lake, ["s3:GetObject", "s3:PutObject"], [PREFIX.fleet]);
    allowListing(role, lake);
    allowKeyUse(role, lake.encryptionKey, "s3", ["kms:Decrypt", "kms:GenerateDataKey"]);
    role.addToPolicy(new PolicyStatement({ actions: ["sns:Publish"], resources: [topic.topicArn] }));
    // A topic of the user's has a key that the stack does not know.
    if (config.alarms.topicArn === undefined) {
      allowKeyUse(role, key, "sns", ["kms:Decrypt", "kms:GenerateDataKey"]);
    }

    // A tick that could not run is made good by the next one.
    handler.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: EVERY });
    new Tick(this, "Tick", { target: handler.function, every: EVERY, name: "fleet watch" });
  }
}
