import type { WeirConfig } from "../../wire/config.ts";
import { HEARTBEAT_TYPE, type LogType } from "../../wire/log-type.ts";
import { RowWriter } from "./row-writer.ts";

/**
 * Agents' heartbeats as a log type. Its columns are the heartbeat's own fields as they are, so that a row
 * without its metadata is a heartbeat again (wire/heartbeat.ts).
 */
const HEARTBEAT: LogType = {
  name: HEARTBEAT_TYPE,
  formerNames: [],
  parse: { format: "json" },
  time: { field: "at", format: "iso8601" },
  columns: [
    { name: "at", type: "varchar(32)", nullable: false },
    { name: "host", type: "varchar(255)", nullable: false },
    { name: "agent", type: "super", nullable: false },
    { name: "sources", type: "super", nullable: false },
  ],
  destinations: [{ to: "s3" }],
};

/** Tags remembered. Other producers' partition keys may be random, one a record. */
const REMEMBERED_TAGS = 4_096;

export interface RoutedType {
  readonly name: string;
  readonly writer: RowWriter;
}

/** Which log type a tag goes to. */
export class LogTypes {
  readonly #routes: readonly { readonly takes: (tag: string) => boolean; readonly type: RoutedType }[];
  readonly #heartbeat: RoutedType = { name: HEARTBEAT_TYPE, writer: new RowWriter(HEARTBEAT) };
  readonly #remembered = new Map<string, RoutedType | undefined>();

  constructor(types: WeirConfig["types"]) {
    this.#routes = types.flatMap((type) => {
      const routed = { name: type.name, writer: new RowWriter(type) };
      return (type.match?.tags ?? [type.name]).map((glob) => ({ takes: globMatcher(glob), type: routed }));
    });
  }

  /**
   * Agents alone send heartbeats: another producer's would mislead the audit.
   *
   * @returns undefined when no type takes it
   */
  ofEvent(tag: string, hasProvenance: boolean): RoutedType | undefined {
    return tag === HEARTBEAT_TYPE && !hasProvenance ? undefined : this.ofTag(tag);
  }

  /** @returns undefined when no type takes the tag */
  ofTag(tag: string): RoutedType | undefined {
    let type = this.#remembered.get(tag);
    if (type === undefined && !this.#remembered.has(tag)) {
      type = tag === HEARTBEAT_TYPE ? this.#heartbeat : this.#routes.find(({ takes }) => takes(tag))?.type;
      if (this.#remembered.size >= REMEMBERED_TAGS) this.#remembered.clear();
      this.#remembered.set(tag, type);
    }
    return type;
  }
}

/** `*` stands for any characters; all others for themselves. Each part is looked for once, from the last one on. */
export function globMatcher(glob: string): (tag: string) => boolean {
  const [first = "", ...parts] = glob.split("*");
  const last = parts.pop();
  if (last === undefined) return (tag) => tag === glob;
  return (tag) => {
    if (!tag.startsWith(first)) return false;
    let at = first.length;
    for (const part of parts) {
      const found = tag.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return tag.length - last.length >= at && tag.endsWith(last);
  };
}
