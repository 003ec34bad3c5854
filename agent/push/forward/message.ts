import { atLeast, type ByteInput, Content, needMore, WholeInput } from "./byte-input.ts";
import { EventTime } from "./event-time.ts";
import { ForwardError } from "./forward-error.ts";
import { codecOf, Inflated, MAGIC_BYTES } from "./inflated.ts";
import type { MessageBudget } from "./message-budget.ts";
import { MessageStore, type StoreOptions } from "./message-store.ts";
import { type Head, MsgpackReader, readHead } from "./msgpack.ts";
import { MsgpackEntries } from "./msgpack-entries.ts";
import { MsgpackFramer } from "./msgpack-framer.ts";
import type { ByteBudget } from "./pending-bytes.ts";
import { KNOWN_BY_BYTES, type RefusedContents } from "./refused-contents.ts";
import { tagOf } from "./tag.ts";

/**
 * message := nil                                          a heartbeat
 *          | [tag, time, record, option?]                 Message
 *          | [tag, [[time, record], ...], option?]        Forward
 *          | [tag, str or bin of entries, option?]        PackedForward, CompressedPackedForward
 * time    := number | event time | timestamp | text | nil | [time, metadata]
 * option  := nil | { chunk?, compressed?, fluent_signal?, size?, ... }
 *
 * Entries are stored as they come, before their option is known: what a PackedForward is compressed with is told
 * from its bytes.
 *
 * source: https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1, read 2026-11
 */
const TAG_MAX_BYTES = 2 ** 20;
const OPTION_MAX_BYTES = 64 * 2 ** 10;
/** Longest text that may be a time where the entries of a PackedForward could stand instead. */
const TIME_TEXT_MAX_BYTES = 40;
/** Limit of a content that begins like no entry: it is held until its option says what it is. */
const HELD_MAX_BYTES = 2 ** 20;

export interface MessageOptions extends StoreOptions {
  readonly pending: ByteBudget;
  readonly refused: RefusedContents;
}

/** A message of which all is read, and on its way to the disk. */
export interface Message {
  readonly store: MessageStore;
  /** To be echoed once the events are durable: as it came, in the message's encoding. */
  readonly chunk: Buffer | undefined;
}

interface Option {
  readonly chunk: Buffer | undefined;
  readonly compressed: string;
  readonly isOfLogs: boolean;
}

const NO_OPTION: Option = { chunk: undefined, compressed: "", isOfLogs: true };

/** @returns undefined for a heartbeat @throws ForwardError */
export async function takeMessage(
  input: ByteInput,
  budget: MessageBudget,
  options: MessageOptions,
): Promise<Message | undefined> {
  const head = await nextHead(input);
  input.consume(Math.max(1, head.headBytes));
  if (head.kind === "nil") return undefined;
  if (head.kind !== "array") throw new ForwardError("MALFORMED", `${head.kind} where a message is due`);
  if (head.size < 2 || head.size > 4) throw new ForwardError("MALFORMED", `a message of ${head.size} values`);
  const tag = tagOf((await wholeValue(input, TAG_MAX_BYTES)).bytes());
  const store = new MessageStore(tag, budget, options);
  const left = head.size - 2;
  const second = await nextHead(input);
  if (second.kind === "array") {
    input.consume(second.headBytes);
    budget.announce(second.size);
    await takeEntries(input, store, second.size);
    return { store, chunk: (await readOption(input, left)).chunk };
  }
  if ((second.kind !== "str" && second.kind !== "bin") || (left > 0 && (await isTimeText(input, second)))) {
    if (left === 0) throw new ForwardError("MALFORMED", "a message without a record");
    await takeAll(input, store, MsgpackEntries.single(store.maxLineBytes));
    return { store, chunk: (await readOption(input, left - 1)).chunk };
  }
  input.consume(second.headBytes);
  budget.announce(second.size);
  const content = new Content(input, second.size);
  const held = await takeContent(content, store, options);
  const option = await readOption(input, left);
  if (held) await takeHeld(held, option.compressed, store);
  return { store, chunk: option.chunk };
}

/**
 * Looks at a message before any of it is taken.
 *
 * @returns whether it is there whole, and its sender will send it again unless it is acknowledged
 */
export function asksForAck(window: Buffer): { readonly end: number; readonly asks: boolean } | undefined {
  const end = new MsgpackFramer().end(window, 0);
  if (end === undefined) return undefined;
  const reader = new MsgpackReader(window.subarray(0, end));
  const { kind, size } = reader.peek();
  if (kind !== "array" || size < 3) return { end, asks: false };
  reader.enter("array");
  reader.skip();
  const isSingle = !["array", "str", "bin"].includes(reader.peek().kind);
  for (let left = isSingle ? 2 : 1; left > 0; left--) reader.skip();
  return { end, asks: !reader.done && optionOf(reader).chunk !== undefined };
}

async function takeEntries(input: ByteInput, store: MessageStore, count: number): Promise<void> {
  await takeAll(input, store, MsgpackEntries.listed(count, store.maxLineBytes));
}

/** @throws ForwardError ENDED */
export async function takeAll(
  input: ByteInput,
  store: MessageStore,
  entries: Parameters<MessageStore["take"]>[1],
): Promise<void> {
  if (!(await store.take(input, entries, true)))
    throw new ForwardError("ENDED", "the connection ended within a message");
}

/** What is packed, and not taken yet as it may be no entries at all. */
interface Held {
  readonly bytes: Buffer;
  readonly isInflated: boolean;
}

async function takeContent(
  content: Content,
  store: MessageStore,
  options: MessageOptions,
): Promise<Held | undefined> {
  const codec = codecOf(await atLeast(content, MAGIC_BYTES));
  if (codec === undefined) return takePacked(content, store, false);
  const { refused } = options;
  const known = (await atLeast(content, KNOWN_BY_BYTES)).subarray(0, KNOWN_BY_BYTES);
  const key = refused.key(store.tag, content.left, known);
  refused.assertNew(key, Date.now());
  try {
    using inflated = new Inflated(content, codec, options.pending, store.budget);
    return await takePacked(inflated, store, true);
  } catch (error) {
    if (error instanceof ForwardError && LASTING.has(error.code)) refused.add(key, error, Date.now());
    throw error;
  }
}

/** What the same bytes would be refused for again. */
const LASTING: ReadonlySet<string> = new Set(["TOO_LARGE", "TOO_MANY", "COMPRESSION", "MALFORMED"]);

/** Entries to the end of the input, unless it begins like none and few come to tell what it is. */
async function takePacked(
  input: ByteInput,
  store: MessageStore,
  isInflated: boolean,
): Promise<Held | undefined> {
  const [first] = await atLeast(input, 1);
  if (first !== undefined && !isListHead(first)) {
    const bytes = await atLeast(input, HELD_MAX_BYTES + 1);
    if (bytes.length <= HELD_MAX_BYTES) {
      input.consume(bytes.length);
      return { bytes, isInflated };
    }
    if (!holdsList(bytes)) throw new ForwardError("MALFORMED", "what is packed are no entries");
  }
  await takePackedEntries(input, store);
  return undefined;
}

/** Whether any of the values is a list. */
function holdsList(bytes: Buffer): boolean {
  const framer = new MsgpackFramer();
  for (let at: number | undefined = 0; at !== undefined && at < bytes.length; at = framer.end(bytes, at)) {
    if (isListHead(bytes[at]!)) return true;
  }
  return false;
}

/** What they cannot be read from is stored as bytes. */
async function takePackedEntries(input: ByteInput, store: MessageStore): Promise<void> {
  try {
    await store.take(input, MsgpackEntries.listed(Infinity, store.maxLineBytes), false);
  } catch (error) {
    if (!(error instanceof ForwardError) || error.code !== "MALFORMED") throw error;
  }
  await store.takeBytes(input);
}

async function takeHeld({ bytes, isInflated }: Held, compressed: string, store: MessageStore): Promise<void> {
  if (!isInflated && compressed !== "" && compressed !== "text") {
    const isKnown = compressed === "gzip" || compressed === "zstd";
    const found = isKnown
      ? `entries that are not ${compressed}`
      : "entries compressed with neither gzip nor zstd";
    throw new ForwardError("COMPRESSION", found);
  }
  await takePackedEntries(new WholeInput(bytes), store);
}

async function nextHead(input: ByteInput): Promise<Head> {
  for (;;) {
    const head = readHead(input.window, 0);
    if (head !== undefined) return head;
    await needMore(input);
  }
}

/** Consumes the next value once it is there. @throws ForwardError TOO_LARGE */
export async function wholeValue(input: ByteInput, maxBytes: number): Promise<MsgpackReader> {
  const framer = new MsgpackFramer();
  for (;;) {
    const { window } = input;
    const end = framer.end(window, 0);
    if ((end ?? framer.leastBytes) > maxBytes)
      throw new ForwardError("TOO_LARGE", `a value of more than ${maxBytes} bytes where there are no events`);
    if (end !== undefined) {
      input.consume(end);
      return new MsgpackReader(window.subarray(0, end));
    }
    await needMore(input);
  }
}

/** Entries begin with none of a time's characters. */
async function isTimeText(input: ByteInput, { headBytes, size }: Head): Promise<boolean> {
  if (size > TIME_TEXT_MAX_BYTES) return false;
  while (input.window.length < headBytes + size) await needMore(input);
  return EventTime.parse(input.window.toString("latin1", headBytes, headBytes + size)) !== undefined;
}

/** @param first byte of a value */
function isListHead(first: number): boolean {
  return first >> 4 === 9 || first === 0xdc || first === 0xdd;
}

/** @param values that the message still has: the option, and what nobody knows */
async function readOption(input: ByteInput, values: number): Promise<Option> {
  if (values === 0) return NO_OPTION;
  const option = optionOf(await wholeValue(input, OPTION_MAX_BYTES));
  if (values > 1) await wholeValue(input, OPTION_MAX_BYTES);
  // Fluent Bit's kinds of data: its metrics (1) and traces (2) have no records.
  if (!option.isOfLogs) throw new ForwardError("MALFORMED", "metrics or traces (fluent_signal)");
  return option;
}

function optionOf(reader: MsgpackReader): Option {
  if (reader.peek().kind !== "map") return NO_OPTION;
  let { chunk, compressed, isOfLogs } = NO_OPTION;
  for (let left = reader.enter("map"); left > 0; left--) {
    const key = textOf(reader);
    const { kind } = reader.peek();
    if (key === "compressed") compressed = textOf(reader) ?? "";
    else if (key === "fluent_signal") isOfLogs = reader.skip().every((byte) => byte === 0 || byte === 0xc0);
    else if (key === "chunk" && kind !== "nil") chunk = reader.skip();
    else reader.skip();
  }
  return { chunk, compressed, isOfLogs };
}

/** @returns undefined where it is no string; it is passed over */
function textOf(reader: MsgpackReader): string | undefined {
  const { kind } = reader.peek();
  const value = reader.skip();
  return kind === "str" || kind === "bin" ? new MsgpackReader(value).bytes().toString() : undefined;
}
