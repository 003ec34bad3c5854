import type { SpoolEvent } from "../spool/batch.ts";
import { EventTime } from "./event-time.ts";
import { ForwardError } from "./forward-error.ts";
import { lineOfJson } from "./line.ts";
import type { ForwardMessage } from "./message.ts";
import { tagOf } from "./tag.ts";

const [QUOTE, BACKSLASH, LIST, LIST_END, MAP, MAP_END] = Buffer.from('"\\[]{}') as unknown as number[];

/** Finds where arrays and objects end in a stream of JSON. Each byte is looked at once. */
export class JsonFramer {
  #at = 0;
  #depth = 0;
  #isString = false;
  #isEscaped = false;

  /** @returns where the value that the bytes begin with ends, undefined when it does not yet */
  end(bytes: Buffer): number | undefined {
    while (this.#at < bytes.length) {
      this.#step(bytes[this.#at++]!);
      // White space before a value is a part of it, and else a value of its own: it begins no message.
      const isBlank = bytes[this.#at - 1]! <= 0x20 && this.#at < bytes.length;
      // Any other value but these has no place in a stream.
      if (this.#depth > 0 || isBlank) continue;
      const end = this.#at;
      this.#at = 0;
      return end;
    }
    return undefined;
  }

  get leastBytes(): number {
    return this.#at + this.#depth;
  }

  #step(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = this.#isString;
    else if (byte === QUOTE) this.#isString = !this.#isString;
    else if (this.#isString) return;
    else if (byte === LIST || byte === MAP) this.#depth++;
    else if (byte === LIST_END || byte === MAP_END) this.#depth--;
  }
}

/**
 * Message and Forward in JSON: the same as in MessagePack, and not packed.
 *
 * @returns undefined for white space @throws ForwardError
 */
export function readJsonMessage(bytes: Buffer): ForwardMessage | undefined {
  const text = bytes.toString();
  if (text.trim() === "") return undefined;
  const message = parse(text);
  if (!Array.isArray(message)) throw new ForwardError("MALFORMED", "a JSON value that is no message");
  const [tag, second, ...rest] = message as unknown[];
  if (typeof tag !== "string") throw new ForwardError("MALFORMED", "a JSON message without a tag");
  if (Array.isArray(second)) {
    const events = second.map((entry) => eventOf(tagOf(tag), entry));
    return { chunk: chunkOf(rest[0]), events };
  }
  return { chunk: chunkOf(rest[1]), events: [eventOf(tagOf(tag), [second, rest[0]])] };
}

/** Numbers that JavaScript would round stay as they are written. */
function parse(text: string): unknown {
  const exact = (_key: string, value: unknown, context: { readonly source?: string }) =>
    typeof value === "number" && String(value) !== context.source ? JSON_RAW.rawJSON(context.source!) : value;
  try {
    return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
  } catch (cause) {
    throw new ForwardError("MALFORMED", "not JSON", { cause });
  }
}

const JSON_RAW = JSON as unknown as {
  rawJSON(text: string): { readonly rawJSON: string };
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

function eventOf(tag: string, entry: unknown): SpoolEvent {
  if (!Array.isArray(entry) || entry.length !== 2)
    throw new ForwardError("MALFORMED", "an entry that is no pair");
  const [time, record] = entry as unknown[];
  const first: unknown = Array.isArray(time) ? time[0] : time;
  const seconds = JSON_RAW.isRawJSON(first) ? Number(first.rawJSON) : first;
  if (typeof seconds !== "number") throw new ForwardError("MALFORMED", "an entry without a time");
  try {
    return { tag, data: lineOfJson(EventTime.of(seconds), record) };
  } catch (cause) {
    if (cause instanceof ForwardError) throw cause;
    throw new ForwardError("MALFORMED", "a record that is nested too deep", { cause });
  }
}

function chunkOf(option: unknown): string | undefined {
  const { chunk } = (option ?? {}) as { readonly chunk?: unknown };
  return typeof chunk === "string" ? chunk : undefined;
}
