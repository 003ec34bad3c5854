import type { KinesisClient } from "@aws-sdk/client-kinesis";
import type { S3Client } from "@aws-sdk/client-s3";
import type { InvokeResult } from "../lambda/invoke-result.ts";
import type { MappingEvent } from "./mapping-event.ts";
import type { MappingSwitch } from "./mapping-switch.ts";
import type { MappingSettings } from "./settings.ts";
import type { Wake } from "./wake.ts";

/** What the shards of a mapping share. */
export interface MappingContext {
  /** The mapping's own id, part of the keys in its failure destination. */
  readonly uuid: string;
  readonly kinesis: KinesisClient;
  readonly s3: S3Client;
  readonly streamName: string;
  readonly streamArn: string;
  readonly functionArn: string;
  readonly settings: MappingSettings;
  /** Never rejects: see `LambdaFunction`. */
  readonly invoke: (payload: string) => Promise<InvokeResult>;
  readonly onEvent: (event: MappingEvent) => void;
  /** Nothing is read or invoked while it is off. */
  readonly enabled: MappingSwitch;
  /** Wakes readers that wait between two polls. */
  readonly pollNow: Wake;
  readonly signal: AbortSignal;
}

/** Pause after an error of the stream or of the failure destination. */
export const ERROR_WAIT_MS = 2_000;
