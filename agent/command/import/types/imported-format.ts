import type * as z from "zod";
import type { logTypeSchema } from "../../../../wire/log-type.ts";
import type { ImportedTime } from "./fluentd-time.ts";

/** A log type as a configuration has it. */
export type LogTypeInput = z.input<typeof logTypeSchema>;
export type ColumnInput = LogTypeInput["columns"][number];
export type ParserInput = LogTypeInput["parse"];

/** A field that there is, or that is computed. */
export type ImportedField = { readonly type?: string; readonly time?: ImportedTime } & (
  | { readonly field: string }
  | { readonly value: string }
);

/** What another agent's parser makes of a line, by the names that it gives. */
export interface ImportedFormat {
  readonly parse: ParserInput;
  readonly fields: ReadonlyMap<string, ImportedField>;
  /** Whether lines may have other fields, too. */
  readonly isOpen: boolean;
  readonly time?: { readonly field: string } & ImportedTime;
  readonly nulls?: readonly string[];
  /** What is to be said of it. */
  readonly remarks: readonly string[];
}

/** A log type that was made, and what is to be said of it. */
export interface TypeDraft {
  /** The place in the other configuration. */
  readonly line: number;
  readonly type: LogTypeInput;
  readonly remarks: readonly string[];
}

/** Bytes of texts, where nothing but their name is known. */
const LENGTHS: Readonly<Record<string, number>> = {
  host: 255,
  hostname: 255,
  remote: 255,
  client: 255,
  user: 255,
  ident: 255,
  method: 32,
  protocol: 32,
  level: 32,
  severity: 32,
  stream: 32,
  logtag: 32,
  pid: 32,
  path: 8192,
  referer: 8192,
  agent: 2048,
  message: 65_535,
  msg: 65_535,
  log: 65_535,
  line: 65_535,
  body: 65_535,
};
const LENGTH = 4096;

/** The type of a column for texts of a name. */
export function textType(name: string): string {
  const length = Object.hasOwn(LENGTHS, name) ? LENGTHS[name]! : LENGTH;
  return `varchar(${length})`;
}

/** How the agent writes what is pushed: docs/forward.md. */
export const PUSHED: ImportedFormat = {
  parse: { format: "json" },
  fields: new Map(),
  isOpen: true,
  time: { field: "time", format: "iso8601" },
  remarks: [],
};
