import type { _Record } from "@aws-sdk/client-kinesis";
import type { StreamRecord } from "../../lambdas/router/stream-record.ts";
import { WireError } from "../../wire/wire-error.ts";
import { counted } from "../access/figures.ts";
import type { EventFilter } from "./event-filter.ts";
import { eventJson, eventText, type TextOptions, unopenedJson, unopenedText } from "./event-text.ts";
import type { Output } from "./output.ts";
import type { EventOpener, SeenEvent } from "./seen-event.ts";

export interface ViewOptions extends TextOptions {
  readonly isJson: boolean;
  readonly maxShown: number;
  /** For people, apart from the events. */
  readonly onNotice: (text: string) => void;
}

/** Events of a record are written in pieces of about so many characters. */
const PIECE_CHARS = 64 * 2 ** 10;

/** Takes records apart, shows the events that are wanted, and counts. */
export class View {
  unopened = 0;
  readonly #opener: EventOpener;
  readonly #filter: EventFilter;
  readonly #output: Output;
  readonly #options: ViewOptions;
  readonly #shards = new Set<string>();
  #records = 0;
  #seen = 0;
  #shown = 0;
  #heartbeats = 0;

  constructor(opener: EventOpener, filter: EventFilter, output: Output, options: ViewOptions) {
    this.#opener = opener;
    this.#filter = filter;
    this.#output = output;
    this.#options = options;
  }

  /** @returns whether as many were shown as were asked for */
  async show(shardId: string, records: readonly _Record[], signal: AbortSignal): Promise<boolean> {
    this.#shards.add(shardId);
    for (const record of records) {
      if (signal.aborted) return true;
      this.#records++;
      await this.#showRecord(streamRecord(shardId, record), signal);
      if (this.#isDone) return true;
    }
    return false;
  }

  get summary(): string {
    const { unopened } = this;
    const shards = counted(this.#shards.size, "shard");
    const parts = [
      `${counted(this.#seen, "event")} seen in ${counted(this.#records, "record")} of ${shards}`,
      `${number(this.#shown)} shown`,
      ...(this.#heartbeats > 0
        ? [`${counted(this.#heartbeats, "heartbeat")} not shown (--tag _weir.agent shows them)`]
        : []),
      ...(unopened > 0 ? [`${counted(unopened, "record")} could not be opened`] : []),
    ];
    return parts.join(", ");
  }

  get #isDone(): boolean {
    return this.#shown >= this.#options.maxShown;
  }

  async #showRecord(record: StreamRecord, signal: AbortSignal): Promise<void> {
    const { isJson, onNotice } = this.#options;
    const events = this.#open(record);
    if (events instanceof WireError) {
      this.unopened++;
      if (isJson) await this.#output.write(`${unopenedJson(record, events)}\n`);
      else onNotice(unopenedText(record, events));
      return;
    }
    let piece = "";
    for (const seen of events) {
      this.#seen++;
      if (!this.#filter.wants(seen)) continue;
      if (this.#filter.isSilent(seen)) {
        this.#heartbeats++;
        continue;
      }
      this.#shown++;
      piece += `${isJson ? eventJson(seen) : eventText(seen, this.#options)}\n`;
      if (this.#isDone) break;
      if (piece.length < PIECE_CHARS) continue;
      await this.#output.write(piece);
      piece = "";
      if (signal.aborted) return;
    }
    if (piece !== "") await this.#output.write(piece);
  }

  #open(record: StreamRecord): readonly SeenEvent[] | WireError {
    try {
      return this.#opener.open(record);
    } catch (error) {
      if (error instanceof WireError) return error;
      throw error;
    }
  }
}

function streamRecord(shardId: string, record: _Record): StreamRecord {
  return {
    shardId,
    sequenceNumber: record.SequenceNumber!,
    partitionKey: record.PartitionKey!,
    arrivedAt: record.ApproximateArrivalTimestamp!,
    data: record.Data!,
  };
}

const number = (value: number): string => value.toLocaleString("en");
