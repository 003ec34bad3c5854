import { isUtf8 } from "node:buffer";
import { extensionTime } from "../../../agent/push/forward/event-time.ts";
import type { MsgpackReader } from "../../../agent/push/forward/msgpack.ts";

/** Deeper values are no logs, and would exhaust the stack of whoever parses them. */
const MAX_DEPTH = 100;

/** What a JsonWriter is due to write, by way of strings: slower, and easier to be sure of. @throws ForwardError */
export function jsonText(reader: MsgpackReader, depth = 0): string {
  const { kind } = reader.peek();
  if (depth > MAX_DEPTH && (kind === "map" || kind === "array")) return packedText(reader);
  switch (kind) {
    case "map": {
      const entries = Array.from({ length: reader.enter("map") }, () => {
        const key = keyText(reader, depth);
        return `${key}:${jsonText(reader, depth + 1)}`;
      });
      return `{${entries.join(",")}}`;
    }
    case "array":
      return `[${Array.from({ length: reader.enter("array") }, () => jsonText(reader, depth + 1)).join(",")}]`;
    case "str":
    case "bin":
      return stringText(reader.bytes());
    case "int":
    case "uint":
    case "float":
      return numberText(reader.number());
    case "ext":
      return JSON.stringify(extensionText(reader));
    case "nil":
      reader.skip();
      return "null";
    case "true":
    case "false":
    default:
      reader.skip();
      return kind;
  }
}

function packedText(reader: MsgpackReader): string {
  return `"msgpack:${reader.skip().toString("base64")}"`;
}

/** A key as a JSON string; one that is a number or the like is written as the JSON it would be. */
function keyText(reader: MsgpackReader, depth: number): string {
  const { kind } = reader.peek();
  if (kind === "map" || kind === "array") return packedText(reader);
  const key = jsonText(reader, depth + 1);
  return key.startsWith('"') ? key : JSON.stringify(key);
}

/** Characters that JSON escapes, and those that are not ASCII. */
const NOT_PLAIN = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;

/** Most strings are written as they are: to find that out costs less than to write them as if they were not. */
function stringText(bytes: Buffer): string {
  const latin1 = bytes.toString("latin1");
  return NOT_PLAIN.test(latin1) ? JSON.stringify(text(bytes)) : `"${latin1}"`;
}

function text(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString("utf8") : `base64:${bytes.toString("base64")}`;
}

function numberText(number: number | bigint): string {
  if (typeof number === "bigint") return `${number}`;
  return Number.isFinite(number) ? JSON.stringify(number) : "null";
}

function extensionText(reader: MsgpackReader): string {
  const head = reader.peek();
  const at = reader.pass(head);
  const data = reader.window.subarray(at, at + head.size);
  const type = reader.window.readInt8(at - 1);
  return extensionTime(reader.window, at, head)?.toString() ?? `ext:${type}:${data.toString("base64")}`;
}
