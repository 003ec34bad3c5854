import type { WeirConfig } from "../../wire/config.ts";
import type { Expression } from "../../wire/expression/expression.ts";
import type { ExpressionSettings } from "../../wire/expressions.ts";
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
  /** Types that get its lines too, all or those of a condition. */
  readonly copies: readonly { readonly to: RoutedType; readonly when: Expression | undefined }[];
}

/** Which log type a tag goes to. */
export class LogTypes {
  readonly #routes: readonly { readonly takes: (tag: string) => boolean; readonly type: RoutedType }[];
  readonly #heartbeat: RoutedType = {
    name: HEARTBEAT_TYPE,
    writer: new RowWriter(HEARTBEAT),
    copies: [],
  };
  readonly #named: ReadonlyMap<string, RoutedType>;
  readonly #remembered = new Map<string, RoutedType | undefined>();

  /** @param settings what the expressions of all types may use */
  constructor(types: WeirConfig["types"], settings: ExpressionSettings = {}) {
    const routed = routedTypes(types, settings);
    this.#routes = types.flatMap(({ name, match }) =>
      (match?.tags ?? [name]).map((glob) => ({ takes: globMatcher(glob), type: routed.get(name)! })),
    );
    this.#named = new Map([
      ...types.flatMap(({ name, formerNames }) =>
        formerNames.map((former) => [former, routed.get(name)!] as const),
      ),
      ...routed,
    ]);
  }

  /** @returns the type that has this name, or had it; undefined when there is none */
  ofName(name: string): RoutedType | undefined {
    return this.#named.get(name);
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

function routedTypes(types: WeirConfig["types"], settings: ExpressionSettings): Map<string, RoutedType> {
  const routed = new Map(
    types.map((type) => {
      const copies: RoutedType["copies"][number][] = [];
      return [type.name, { name: type.name, writer: new RowWriter(type, settings), copies }] as const;
    }),
  );
  for (const { name, copy = [] } of types) {
    const { writer, copies } = routed.get(name)!;
    for (const { to, when } of copy)
      copies.push({ to: routed.get(to)!, when: when === undefined ? undefined : writer.condition(when) });
  }
  return routed;
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
