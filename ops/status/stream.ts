import { DescribeStreamSummaryCommand } from "@aws-sdk/client-kinesis";
import type { Place } from "../access/place.ts";
import { duration } from "../access/text-table.ts";
import type { Report } from "./section.ts";

/** As the alarm has it by default. */
const OLD_SECONDS = 15 * 60;

/** What cost.ts wants to know of it. */
export interface StreamFacts {
  readonly stream: string;
  readonly status: string;
  readonly mode: "on-demand" | "provisioned";
  readonly shards: number;
  readonly retentionHours: number;
  readonly createdAt: string;
  /** Lambda's word for the router's mapping; absent where an earlier release does not name it. */
  readonly mapping?: string;
  /** The greatest of the last ten minutes; absent where nothing measures it, or nothing came. */
  readonly iteratorAgeSeconds?: number;
}

export async function streamFacts(place: Place, now: Date): Promise<StreamFacts> {
  const { kinesis, stream, metrics } = place;
  const command = new DescribeStreamSummaryCommand({ StreamName: stream });
  const summary = (await kinesis.send(command)).StreamDescriptionSummary!;
  const mapping = await place.mapping.status().catch((error: unknown) => {
    if ((error as { code?: string }).code === "NO_OUTPUT") return undefined;
    throw error;
  });
  const age = await metrics?.iteratorAgeSeconds(now);
  return {
    stream,
    status: summary.StreamStatus!,
    mode: summary.StreamModeDetails?.StreamMode === "ON_DEMAND" ? "on-demand" : "provisioned",
    shards: summary.OpenShardCount!,
    retentionHours: summary.RetentionPeriodHours!,
    createdAt: summary.StreamCreationTimestamp!.toISOString(),
    ...(mapping && { mapping: mapping.state }),
    ...(age !== undefined && { iteratorAgeSeconds: age }),
  };
}

export function streamReport(facts: StreamFacts, isMeasured: boolean): Report {
  const { stream, status, mode, shards, retentionHours, mapping, iteratorAgeSeconds } = facts;
  const summary = `${mode}, ${shards} shards, keeps ${retentionHours} h; the router reads it: ${mapping ?? "unknown"}`;
  const usedPercent = ((iteratorAgeSeconds ?? 0) / (retentionHours * 36)).toFixed(0);
  const problems = [
    ...(status === "ACTIVE" ? [] : [`the stream ${stream} is ${status}`]),
    ...(mapping === undefined || mapping === "Enabled"
      ? []
      : [`the router's mapping is ${mapping}: weir resume starts it`]),
    ...((iteratorAgeSeconds ?? 0) > OLD_SECONDS
      ? [`the router is ${duration(iteratorAgeSeconds!)} behind, ${usedPercent} % of what the stream keeps`]
      : []),
  ];
  const age = isMeasured
    ? "no record in the last ten minutes"
    : "iterator age: not measured here, without CloudWatch";
  const notes = [iteratorAgeSeconds === undefined ? age : `iterator age: ${duration(iteratorAgeSeconds)}`];
  return { section: { title: "STREAM", summary, problems, notes }, json: facts };
}
