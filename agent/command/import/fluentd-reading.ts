import { Encoding } from "../../framing/encoding.ts";
import { byteCount } from "./byte-count.ts";
import { milliseconds } from "./interval.ts";
import type { FluentdSection } from "./fluentd-syntax.ts";
import type { ImportedFiles, Notes } from "./imported.ts";

export const READING_KNOWN = [
  "encoding",
  "from_encoding",
  "read_bytes_limit_per_second",
  "limit_recently_modified",
];

/** Ruby's names for encodings that browsers have other labels for. */
const LABELS: Readonly<Record<string, string>> = {
  cp932: "shift_jis",
  cp936: "gbk",
  cp949: "euc-kr",
  cp950: "big5",
  cp51932: "euc-jp",
  "eucjp-ms": "euc-jp",
};

/** Ruby's names for bytes of no encoding. */
const BYTES: ReadonlySet<string> = new Set(["ascii-8bit", "binary"]);

type Reading = Pick<ImportedFiles, "encoding" | "bytes_per_second" | "ignore_older_ms">;

/** How a `tail` source reads: in which encoding, how fast, and which files not at all. */
export function importReading(source: FluentdSection, where: string, notes: Notes): Reading {
  const encoding = importEncoding(source, where, notes);
  const limit = byteCount(source.parameters.get("read_bytes_limit_per_second"));
  const oldMs = milliseconds(source.parameters.get("limit_recently_modified"));
  return {
    ...(encoding === undefined ? {} : { encoding }),
    ...(limit ? { bytes_per_second: limit } : {}),
    ...(oldMs ? { ignore_older_ms: oldMs } : {}),
  };
}

/** Where it converts, `from_encoding` is what it converts from; `encoding` alone is what the file is in. */
function importEncoding(
  { parameters, lines }: FluentdSection,
  where: string,
  notes: Notes,
): string | undefined {
  const key = parameters.has("from_encoding") ? "from_encoding" : "encoding";
  const theirs = parameters.get(key)?.toLowerCase();
  if (theirs === undefined || BYTES.has(theirs)) return undefined;
  const label = LABELS[theirs] ?? theirs;
  const note = notes.at(lines.get(key));
  if (!Encoding.isKnown(label)) {
    note(`${where}: ${key} ${theirs}: left out, its bytes are sent as they stand`);
    return undefined;
  }
  const { name } = new Encoding(label);
  // Nor did Fluentd convert anything.
  if (name === "utf-8") return undefined;
  const target = key === "encoding" ? theirs : parameters.get("encoding")?.toLowerCase();
  if (target !== "utf-8") note(`${where}: ${key} ${theirs}: lines are sent in UTF-8`);
  return name;
}
