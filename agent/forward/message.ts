import { type Codec, codecOf, inflate } from "./compression.ts";
import { readTime } from "./event-time.ts";
import { ForwardError } from "./forward-error.ts";
import { lineOf } from "./line.ts";
import { MsgpackReader } from "./msgpack.ts";
import { tagOf } from "./tag.ts";
import type { SpoolEvent } from "../spool/batch.ts";

/**
 * message := nil                                          a heartbeat
 *          | [tag, time, record, option?]                 Message
 *          | [tag, [[time, record], ...], option?]        Forward
 *          | [tag, str or bin of entries, option?]        PackedForward, CompressedPackedForward
 * time    := seconds or milliseconds | event time | [time, metadata]
 * option  := nil | { chunk?, compressed?, fluent_signal?, size?, ... }
 *
 * source: https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1, read 2026-11
 */
export interface ForwardMessage {
  readonly events: Iterable<SpoolEvent>;
  /** To be echoed once the events are durable. */
  readonly chunk: string | undefined;
}

interface Options {
  readonly chunk: string | undefined;
  readonly codec: Codec;
}

/**
 * @param bytes of one message
 * @returns undefined for a heartbeat @throws ForwardError; the events do so, too, while they are read
 */
export function readMessage(bytes: Buffer, maxInflatedBytes: number): ForwardMessage | undefined {
  const reader = new MsgpackReader(bytes);
  if (reader.peek().kind === "nil") return undefined;
  const size = reader.enter("array");
  if (size < 2 || size > 4) throw new ForwardError("MALFORMED", `a message of ${size} values`);
  const tag = tagOf(reader.bytes());
  const { kind } = reader.peek();
  if (kind === "array" || kind === "str" || kind === "bin") {
    const content = kind === "array" ? reader.skip() : reader.bytes();
    const { chunk, codec } = size > 2 ? readOptions(reader) : NO_OPTIONS;
    const entries = new MsgpackReader(inflate(content, kind === "array" ? "none" : codec, maxInflatedBytes));
    const count = kind === "array" ? entries.enter("array") : Infinity;
    return { chunk, events: eventsOf(tag, entries, count) };
  }
  const time = readTime(reader);
  const line = lineOf(time, reader);
  const { chunk } = size > 3 ? readOptions(reader) : NO_OPTIONS;
  return { chunk, events: [{ tag, data: line }] };
}

const NO_OPTIONS: Options = { chunk: undefined, codec: "none" };

function readOptions(reader: MsgpackReader): Options {
  if (reader.peek().kind === "nil") return NO_OPTIONS;
  let { chunk, codec } = NO_OPTIONS;
  for (let left = reader.enter("map"); left > 0; left--) {
    const key = reader.bytes().toString();
    const isSet = reader.peek().kind !== "nil";
    if (key === "chunk" && isSet) chunk = reader.bytes().toString();
    else if (key === "compressed" && isSet) codec = codecOf(reader.bytes().toString());
    else if (key === "fluent_signal" && isSet) assertLogs(Number(reader.number()));
    else reader.skip();
  }
  return { chunk, codec };
}

/** Fluent Bit's kinds of data: its metrics (1) and traces (2) have no records. */
function assertLogs(signal: number): void {
  if (signal !== 0) throw new ForwardError("MALFORMED", `metrics or traces (fluent_signal ${signal})`);
}

function* eventsOf(tag: string, entries: MsgpackReader, count: number): Generator<SpoolEvent> {
  for (let read = 0; read < count && !entries.done; read++) {
    const size = entries.enter("array");
    if (size !== 2) throw new ForwardError("MALFORMED", `an entry of ${size} values`);
    const time = readTime(entries);
    yield { tag, data: lineOf(time, entries) };
  }
}
