import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { RoutedBatch } from "../../lambdas/router/router.ts";
import type { StreamRecord } from "../../lambdas/router/stream-record.ts";
import { AggregateBuilder } from "../../wire/aggregate.ts";
import { parseConfig, type WeirConfig, type WeirConfigInput } from "../../wire/config.ts";
import type { Labels } from "../../wire/labels.ts";
import { ProvenanceWriter, type Gap, type Source } from "../../wire/provenance.ts";
import { type QuarantinedRecord, quarantinedRecordSchema } from "../../wire/quarantine.ts";
import { rejectedLineSchema, type RejectedLine } from "../../wire/reject.ts";

export const SHARD = "shardId-000000000000";
export const ARRIVED_AT = new Date("2026-11-21T10:00:00.250Z");
export const WEB: Source = { id: "c291cmNlMQ3f", host: "web-1", path: "/var/log/access.log" };

export interface Line {
  readonly tag: string;
  readonly data: string | Uint8Array;
  readonly source?: Source;
  readonly offset?: number;
  readonly extent?: number;
  readonly gap?: Gap;
}

/** Lines as an agent sends them: one aggregate, each line after the one before but where it says otherwise. */
export function aggregate(lines: readonly Line[], labels?: Labels): Buffer {
  const builder = new AggregateBuilder(64);
  const provenance = new ProvenanceWriter(labels);
  let next = 0;
  for (const { tag, data: text, source = WEB, offset = next, extent, gap } of lines) {
    const data = Buffer.from(text);
    const position = { source, offset, extent: extent ?? data.length + 1, gap };
    builder.add(tag, data, provenance.tags(position, data.length));
    provenance.wrote(position);
    next = offset + position.extent;
  }
  return builder.finish("1");
}

export function streamRecord(data: Uint8Array, sequence = 1, partitionKey = "p"): StreamRecord {
  return { shardId: SHARD, sequenceNumber: `4960${sequence}`, partitionKey, arrivedAt: ARRIVED_AT, data };
}

export function configOf(types: WeirConfigInput["types"], rest: Partial<WeirConfigInput> = {}): WeirConfig {
  return parseConfig({ ...rest, types }, "test");
}

/** Type `raw`: one column that takes any line. */
export const RAW: WeirConfigInput["types"][number] = {
  name: "raw",
  parse: { format: "raw" },
  columns: [{ name: "line", type: "varchar(65535)" }],
};

/** Keys of a batch's objects: any digest between the two. */
export const keyLike = (before: string, after: string): RegExp =>
  new RegExp(`^${RegExp.escape(before)}[0-9a-f]{16}${RegExp.escape(after)}$`);

export type Row = Readonly<Record<string, unknown>> & {
  readonly _src: string;
  readonly _off: number;
  readonly _crc: number;
};

/** The rows of a batch, of one type or of all, in the order of its objects. */
export function rowsOf(routed: RoutedBatch, type?: string): Row[] {
  return linesOf(routed, "data", type).map((line) => JSON.parse(line) as Row);
}

export function rejectsOf(routed: RoutedBatch, type?: string): RejectedLine[] {
  return linesOf(routed, "rejected", type).map((line) => rejectedLineSchema.parse(JSON.parse(line)));
}

export function quarantineOf(routed: RoutedBatch): QuarantinedRecord[] {
  return linesOf(routed, "quarantine").map((line) => quarantinedRecordSchema.parse(JSON.parse(line)));
}

export function linesOf(
  routed: RoutedBatch,
  kind: "data" | "rejected" | "quarantine",
  type?: string,
): string[] {
  const named = routed.commit.objects.filter(
    (o) => o.kind === kind && (type === undefined || o.type === type),
  );
  return named.flatMap(({ key, rows }) => {
    const { body } = routed.objects.find((object) => object.key === key)!;
    const text = (key.endsWith(".zst") ? zstdDecompressSync(body) : gunzipSync(body)).toString();
    const lines = text.split("\n").slice(0, -1);
    if (lines.length !== rows || !text.endsWith("\n")) throw new Error(`${lines.length} lines, ${rows} said`);
    return lines;
  });
}
