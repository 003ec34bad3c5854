import { type ByteInput, needMore } from "./byte-input.ts";
import { ForwardError } from "./forward-error.ts";
import { JsonEntries, JsonRecord } from "./json-entries.ts";
import { JsonFramer, pastBlanks } from "./json-framer.ts";
import { isList, JsonList, valuesOf } from "./json-list.ts";
import type { MessageBudget } from "./message-budget.ts";
import { MessageStore, type StoreOptions } from "./message-store.ts";
import { type Message, takeAll } from "./message.ts";
import { tagOf } from "./tag.ts";

const TAG_MAX_BYTES = 2 ** 20;
/** Limit of a time with its metadata, and of an option. */
const VALUE_MAX_BYTES = 64 * 2 ** 10;

/**
 * Message and Forward in JSON: the same as in MessagePack, and not packed.
 *
 * @returns undefined for white space @throws ForwardError
 */
export async function takeJsonMessage(
  input: ByteInput,
  budget: MessageBudget,
  options: StoreOptions,
): Promise<Message | undefined> {
  input.consume(pastBlanks(input.window, 0));
  if (input.window.length === 0) return undefined;
  if (!isList(input.window, 0)) throw new ForwardError("MALFORMED", "a JSON value that is no message");
  input.consume(1);
  const list = new JsonList();
  const tag = parse(await nextValue(input, list, TAG_MAX_BYTES));
  if (typeof tag !== "string") throw new ForwardError("MALFORMED", "a JSON message without a tag");
  const store = new MessageStore(tagOf(tag), budget, options);
  if (await hasNext(input, list)) await takeSecond(input, list, store);
  else throw new ForwardError("MALFORMED", "a JSON message of one value");
  const option = (await hasNext(input, list))
    ? parse(await nextValue(input, list, VALUE_MAX_BYTES))
    : undefined;
  if (await hasNext(input, list)) throw new ForwardError("MALFORMED", "a JSON message of too many values");
  input.consume(1);
  return { store, chunk: chunkOf(option) };
}

/** Looks at a message before any of it is taken. @returns undefined where it is not there whole */
export function asksForAckInJson(
  window: Buffer,
): { readonly end: number; readonly asks: boolean } | undefined {
  const start = pastBlanks(window, 0);
  if (start === window.length) return { end: start, asks: false };
  const end = new JsonFramer().end(window, start);
  if (end === undefined) return undefined;
  const [, second, ...rest] = valuesOf(window.subarray(start, end), 4) ?? [];
  const option = rest[second && isList(second, 0) ? 0 : 1];
  return { end, asks: option !== undefined && chunkOf(parse(option)) !== undefined };
}

async function takeSecond(input: ByteInput, list: JsonList, store: MessageStore): Promise<void> {
  if (isList(input.window, 0)) {
    input.consume(1);
    await takeAll(input, store, new JsonEntries(store.maxLineBytes));
    input.consume(1);
    list.passed();
    return;
  }
  const time = await nextValue(input, list, VALUE_MAX_BYTES);
  if (!(await hasNext(input, list))) throw new ForwardError("MALFORMED", "a JSON message without a record");
  await takeAll(input, store, new JsonRecord(list, time, store.maxLineBytes));
}

/** Passes over what comes before the next value of the list, or its end. */
async function hasNext(input: ByteInput, list: JsonList): Promise<boolean> {
  for (;;) {
    input.consume(list.seek(input.window, 0));
    if (input.window.length > 0) return !list.isEnd(input.window, 0);
    await needMore(input);
  }
}

async function nextValue(input: ByteInput, list: JsonList, maxBytes: number): Promise<Buffer> {
  if (!(await hasNext(input, list))) throw new ForwardError("MALFORMED", "a JSON message that ends too soon");
  for (;;) {
    const { window } = input;
    const end = list.framer.end(window, 0);
    if ((end ?? list.framer.leastBytes) > maxBytes)
      throw new ForwardError("TOO_LARGE", `a value of more than ${maxBytes} bytes where there are no events`);
    if (end !== undefined) {
      input.consume(end);
      list.passed();
      return window.subarray(0, end);
    }
    await needMore(input);
  }
}

/** A number remains as it is written, where a double would not hold it. @throws ForwardError MALFORMED */
function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString(), (key, value: unknown, context?: { readonly source?: string }) =>
      key === "chunk" && typeof value === "number" ? JSON_RAW.rawJSON(context!.source!) : value,
    );
  } catch (cause) {
    throw new ForwardError("MALFORMED", "not JSON", { cause });
  }
}

const JSON_RAW = JSON as unknown as { rawJSON(text: string): unknown };

/** In JSON, to be echoed. */
function chunkOf(option: unknown): Buffer | undefined {
  const { chunk } = (option ?? {}) as { readonly chunk?: unknown };
  return chunk === undefined || chunk === null ? undefined : Buffer.from(JSON.stringify(chunk));
}
