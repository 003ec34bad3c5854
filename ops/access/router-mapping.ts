import { setTimeout as wait } from "node:timers/promises";
import {
  GetEventSourceMappingCommand,
  type EventSourceMappingConfiguration,
  type LambdaClient,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import { AccessError } from "./access-error.ts";

/** The mapping of the stream to the router, as Lambda describes it. */
export interface MappingStatus {
  readonly uuid: string;
  /** Lambda's own word: Enabled, Disabling, Disabled, Enabling, Updating and more. */
  readonly state: string;
  /** Of the stream, also where a consumer of it is mapped. */
  readonly streamArn: string;
  readonly functionArn: string;
  /** Records of an invocation. */
  readonly batchSize: number;
  /** Older records go to the failure destination; undefined for never. */
  readonly maxRecordAgeSeconds: number | undefined;
}

export interface ChangeWait {
  readonly maxWaitMs: number;
  readonly pollMs: number;
}

/** It takes Lambda seconds mostly, and a minute at times. */
const CHANGE: ChangeWait = { maxWaitMs: 5 * 60_000, pollMs: 1_000 };

/** What feeds the stream to the router. */
export class RouterMapping {
  readonly #lambda: LambdaClient;
  readonly #uuid: string | undefined;
  readonly #title: string;

  /** @param uuid undefined where the place does not say: whoever needs it is told then */
  constructor(lambda: LambdaClient, uuid: string | undefined, title: string) {
    this.#lambda = lambda;
    this.#uuid = uuid;
    this.#title = title;
  }

  /** @throws AccessError NO_OUTPUT */
  async status(): Promise<MappingStatus> {
    return statusOf(await this.#lambda.send(new GetEventSourceMappingCommand({ UUID: this.#known() })));
  }

  /**
   * Stops the mapping, or starts it again, and waits until it is so.
   *
   * @throws AccessError NO_OUTPUT, NOT_CHANGED
   */
  async enable(on: boolean, { maxWaitMs, pollMs }: ChangeWait = CHANGE): Promise<MappingStatus> {
    const wanted = on ? "Enabled" : "Disabled";
    const deadlineMs = Date.now() + maxWaitMs;
    for (let asked = false; ; await wait(pollMs)) {
      const status = await this.status();
      if (status.state === wanted) return status;
      if (Date.now() > deadlineMs) {
        const hint = "It may yet be; ask again.";
        throw new AccessError("NOT_CHANGED", `mapping ${status.uuid} is still ${status.state}`, hint);
      }
      if (!asked) asked = await this.#ask(on);
    }
  }

  /** @returns false where a change is under way, which has to end first */
  async #ask(on: boolean): Promise<boolean> {
    try {
      await this.#lambda.send(new UpdateEventSourceMappingCommand({ UUID: this.#known(), Enabled: on }));
      return true;
    } catch (error) {
      const { name } = error as Error;
      if (name === "ResourceInUseException" || name === "ResourceConflictException") return false;
      throw error;
    }
  }

  #known(): string {
    if (this.#uuid !== undefined) return this.#uuid;
    const hint = "One of an earlier release has to be deployed, or started, anew.";
    throw new AccessError("NO_OUTPUT", `${this.#title} does not name the router's mapping`, hint);
  }
}

function statusOf(mapping: EventSourceMappingConfiguration): MappingStatus {
  const { UUID, State, EventSourceArn, FunctionArn, BatchSize, MaximumRecordAgeInSeconds = -1 } = mapping;
  return {
    uuid: UUID!,
    state: State!,
    streamArn: EventSourceArn!.split("/consumer/")[0]!,
    functionArn: FunctionArn!,
    batchSize: BatchSize!,
    maxRecordAgeSeconds: MaximumRecordAgeInSeconds < 0 ? undefined : MaximumRecordAgeInSeconds,
  };
}
