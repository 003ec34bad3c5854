import { crc32 } from "node:zlib";
import { fileLine } from "../../lambdas/router/file-line.ts";
import type { RoutedType } from "../../lambdas/router/log-types.ts";
import type { Misfit } from "../../lambdas/router/misfit.ts";
import { SKIPPED } from "../../lambdas/router/parse/skipped.ts";
import { Room } from "../../lambdas/router/room.ts";
import { RowMetadata } from "../../lambdas/router/row-metadata.ts";
import { TypeBatch } from "../../lambdas/router/type-batch.ts";
import type { Labels } from "../../wire/labels.ts";
import { parseExactly } from "./exact-json.ts";
import type { FileLine } from "./read-lines.ts";

export type Row = Readonly<Record<string, unknown>>;

/** What the router makes of a line. */
export type Outcome =
  | { readonly kind: "row"; readonly row: Row }
  | { readonly kind: "rejected"; readonly misfit: Misfit }
  | { readonly kind: "filtered" };

/** Of each row, the columns that say where it came from: here that is a file on this machine. */
const ORIGIN = ["_src", "_off", "_crc", "_host", "_arrived_at"];

/** How lines came. */
interface Sent {
  /** Times without a year are guessed from it. @default now */
  readonly arrivedAt?: Date;
  readonly host?: string | null;
  readonly labels?: Labels | undefined;
}

/** Runs lines through the router's own core, as if an agent had sent them now. */
export class LineTrial {
  readonly #type: RoutedType;
  readonly #tag: string;
  readonly #metadata: RowMetadata;
  readonly #labels: Labels | undefined;

  /** @param tag that the lines have, for columns that are filled from it */
  constructor(type: RoutedType, tag: string, { arrivedAt = new Date(), host = null, labels }: Sent = {}) {
    this.#type = type;
    this.#tag = tag;
    this.#metadata = new RowMetadata("try", host, arrivedAt);
    this.#labels = labels;
  }

  run({ data, offset, file }: Pick<FileLine, "data" | "offset" | "file">): Outcome {
    const batch = new TypeBatch(this.#type.name, 1, new Room("a line", Infinity));
    const tag = { tag: this.#tag, partitionKey: this.#tag };
    const origin = {
      metadata: this.#metadata,
      labels: this.#labels,
      offset,
      foreign: false,
      ...tag,
      path: file,
    };
    const misfit = fileLine(batch, this.#type, { data, crc: crc32(data), ...origin });
    if (misfit === SKIPPED) return { kind: "filtered" };
    if (misfit) return { kind: "rejected", misfit };
    const [hour] = batch.hours(1, new Date());
    const row = parseExactly(Buffer.concat(hour!.pieces).toString()) as Record<string, unknown>;
    for (const name of ORIGIN) delete row[name];
    return { kind: "row", row };
  }
}
