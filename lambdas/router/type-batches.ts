import type { WeirConfig } from "../../wire/config.ts";
import { UNROUTED_TYPE } from "../../wire/log-type.ts";
import { foreignTagReader } from "./foreign-tag.ts";
import type { LogTypes, RoutedType } from "./log-types.ts";
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
  readonly #foreignTag: (data: Uint8Array) => string | undefined;
  readonly #maxHours: number;
  readonly #memory: Room;
  readonly #types = new Map<string, TypeBatch>();

  constructor(logTypes: LogTypes, foreign: WeirConfig["foreign"], { maxBytes, maxHours }: BatchLimits) {
    this.#logTypes = logTypes;
    this.#maxHours = maxHours;
    this.#memory = new Room("rows and rejected lines", maxBytes);
    this.#foreignTag = foreignTagReader(foreign);
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
    const tag = (!hasProvenance && this.#foreignTag(data)) || key;
    const type = this.#logTypes.ofEvent(tag, hasProvenance);
    return { tag, type, batch: this.named(type?.name ?? UNROUTED_TYPE) };
  }

  /** Where a copy goes. @param name of the type that it was for */
  ofCopy(name: string, tag: string): Route {
    const type = this.#logTypes.ofName(name);
    return { tag, type, batch: this.named(type?.name ?? UNROUTED_TYPE) };
  }

  /** What a type is called now, as far as that is known. */
  presentName(name: string): string {
    return this.#logTypes.ofName(name)?.name ?? name;
  }

  named(name: string): TypeBatch {
    let batch = this.#types.get(name);
    if (batch === undefined)
      this.#types.set(name, (batch = new TypeBatch(name, this.#maxHours, this.#memory)));
    return batch;
  }
}
