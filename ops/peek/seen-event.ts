import type { WeirConfig } from "../../wire/config.ts";
import { UNROUTED_TYPE } from "../../wire/log-type.ts";
import { foreignTagReader } from "../../lambdas/router/foreign-tag.ts";
import { LogTypes } from "../../lambdas/router/log-types.ts";
import { type Event, openRecord } from "../../lambdas/router/open-record.ts";
import type { StreamRecord } from "../../lambdas/router/stream-record.ts";

/** An event of the stream, as the router would take it. */
export interface SeenEvent {
  readonly record: StreamRecord;
  /** Among the events of its Kinesis record. */
  readonly index: number;
  readonly event: Event;
  readonly tag: string;
  /** Undefined where the configuration is not known. */
  readonly type: string | undefined;
}

/** Without a configuration, records of other producers are read as by one that says nothing of them. */
const FOREIGN: WeirConfig["foreign"] = { tag: "partition-key", splitLines: true };

/** Opens Kinesis records with the router's own core, and says of each event what the router would. */
export class EventOpener {
  readonly #isSplit: boolean;
  readonly #foreignTag: (data: Uint8Array) => string | undefined;
  readonly #logTypes: LogTypes | undefined;

  constructor(config: Pick<WeirConfig, "foreign" | "types" | "tables" | "hashSalt"> | undefined) {
    const { foreign = FOREIGN } = config ?? {};
    this.#isSplit = foreign.splitLines;
    this.#foreignTag = foreignTagReader(foreign);
    this.#logTypes = config && new LogTypes(config.types, config);
  }

  /** @throws WireError for a record that the router would quarantine */
  open(record: StreamRecord): SeenEvent[] {
    return openRecord(record, this.#isSplit).map((event, index) => {
      const { data, partitionKey } = event.record;
      const isOwn = event.position !== undefined;
      const tag = (!isOwn && this.#foreignTag(data)) || partitionKey;
      const type = this.#logTypes && (this.#logTypes.ofEvent(tag, isOwn)?.name ?? UNROUTED_TYPE);
      return { record, index, event, tag, type };
    });
  }
}
