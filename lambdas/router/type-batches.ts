import type { WeirConfig } from "../../wire/config.ts";
import { HEARTBEAT_TYPE, UNROUTED_TYPE } from "../../wire/log-type.ts";
import { fieldPath, fieldReader } from "./field-path.ts";
import { LINE_MAX_BYTES } from "./file-line.ts";
import { lineText } from "./line-text.ts";
import type { LogTypes, RoutedType } from "./log-types.ts";
import { Misfit } from "./misfit.ts";
import type { Fields } from "./parse/fields.ts";
import { parseJson } from "./parse/json.ts";
import { Room } from "./room.ts";
import { TypeBatch } from "./type-batch.ts";

export interface BatchLimits {
  /** Memory for rows and rejected lines. */
  readonly maxBytes: number;
  readonly maxHours: number;
}

/** Where a line goes. */
interface Route {
  /** By which its type was found. */
  readonly tag: string;
  /** undefined where no log type takes the tag */
  readonly type: RoutedType | undefined;
  readonly batch: TypeBatch;
}

/** What a batch holds of each log type, and which of them a line goes to. */
export class TypeBatches {
  readonly #logTypes: LogTypes;
  readonly #foreignTag: ((fields: Fields) => unknown) | undefined;
  readonly #maxHours: number;
  readonly #memory: Room;
  readonly #types = new Map<string, TypeBatch>();

  constructor(logTypes: LogTypes, foreign: WeirConfig["foreign"], { maxBytes, maxHours }: BatchLimits) {
    this.#logTypes = logTypes;
    this.#maxHours = maxHours;
    this.#memory = new Room("rows and rejected lines", maxBytes);
    this.#foreignTag =
      foreign.tag === "partition-key" ? undefined : fieldReader(fieldPath(foreign.tag.field, true));
  }

  /** By name. */
  sorted(): TypeBatch[] {
    return [...this.#types.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Memory that rows and rejected lines take. */
  get bytes(): number {
    return this.#memory.taken;
  }

  /** @param key partition key of the line: its tag, unless a field of another producer's has it */
  of(key: string, data: Uint8Array, hasProvenance: boolean): Route {
    const tag = (!hasProvenance && this.#foreignTag && tagOf(data, this.#foreignTag)) || key;
    const type = this.#typeOf(tag, hasProvenance);
    return { tag, type, batch: this.named(type?.name ?? UNROUTED_TYPE) };
  }

  /** Agents alone send heartbeats: another producer's would mislead the audit. */
  #typeOf(tag: string, hasProvenance: boolean): RoutedType | undefined {
    return tag === HEARTBEAT_TYPE && !hasProvenance ? undefined : this.#logTypes.ofTag(tag);
  }

  named(name: string): TypeBatch {
    let batch = this.#types.get(name);
    if (batch === undefined)
      this.#types.set(name, (batch = new TypeBatch(name, this.#maxHours, this.#memory)));
    return batch;
  }
}

/** The tag of another producer's event, where the configuration says it stands in a field. */
function tagOf(data: Uint8Array, read: (fields: Fields) => unknown): string | undefined {
  const line = data.length > LINE_MAX_BYTES ? undefined : lineText(data);
  const fields = typeof line === "string" ? parseJson(line) : line;
  const tag = fields === undefined || fields instanceof Misfit ? undefined : read(fields);
  return typeof tag === "string" ? tag : undefined;
}
