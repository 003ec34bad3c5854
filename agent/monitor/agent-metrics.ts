import { readdirSync, readFileSync } from "node:fs";
import { countedTag } from "../kinesis/counted-tags.ts";
import { REFUSALS } from "../push/forward/forward-counts.ts";
import type { MetricFamily, Sample } from "./metrics.ts";
import { health } from "./health.ts";
import type { Latency } from "./latency.ts";
import { METRIC_GROUPS, type NamesOf } from "./metric-catalogue.ts";
import { undeliveredBytes } from "./pace.ts";
import { oldestAgeSeconds } from "./spool-age.ts";
import type { PushedVitals } from "../push/pushed-input.ts";
import type { Vitals } from "./vitals.ts";
import type { WatchedSource } from "./watched-source.ts";
import { worstFirst } from "./worst-first.ts";

/** Taken once: the clock may be set later. */
const STARTED_AT_SECONDS = Date.now() / 1_000 - process.uptime();

type Values<Group extends keyof typeof METRIC_GROUPS> = Record<NamesOf<Group>, number | readonly Sample[]>;

/** Everything `GET /metrics` tells. Counters begin at 0 with the process, many with each reload. */
export function agentMetrics(vitals: Vitals, nowMs: number): MetricFamily[] {
  const values: Readonly<Record<string, number | readonly Sample[]>> = {
    ...ofAgent(vitals, nowMs),
    ...ofFiles(vitals),
    ...ofEachFile(vitals),
    ...ofLines(vitals),
    ...ofSpool(vitals.pushed),
    ...ofInputs(vitals.pushed),
    ...ofKinesis(vitals),
    ...ofProcess(),
  };
  return Object.values(METRIC_GROUPS).flatMap((group) =>
    Object.entries(group).map(([name, { type, help }]) => {
      const value = values[name]!;
      return { name, type, help, samples: typeof value === "number" ? [{ value }] : value };
    }),
  );
}

function ofAgent(vitals: Vitals, nowMs: number): Values<"The agent"> {
  const { agent, reload, checkpoint } = vitals;
  const answer = (question: "ready" | "progressing") => Number(health(question, vitals, nowMs).ok);
  return {
    weir_agent_build_info: [{ labels: { version: agent.version, node: agent.node }, value: 1 }],
    weir_agent_ready: answer("ready"),
    weir_agent_progressing: answer("progressing"),
    weir_agent_checkpoint_age_seconds: Math.max(0, nowMs - checkpoint.savedAtMs) / 1_000,
    weir_agent_checkpoint_write_errors_total: checkpoint.failures,
    weir_agent_sources_renewed_total: (["machine", "restored"] as const).map((why) => {
      const { renewal } = checkpoint;
      return { labels: { why }, value: renewal?.why === why ? renewal.sources : 0 };
    }),
    weir_agent_config_reloads_total: [
      { labels: { result: "taken" }, value: reload.taken },
      { labels: { result: "refused" }, value: reload.refused },
    ],
    weir_agent_config_last_reload_successful: Number(reload.isSuccessful),
    weir_agent_config_last_reload_success_timestamp_seconds: reload.configuredAtMs / 1_000,
  };
}

function ofFiles({ files, missing, waitingFiles, tail, maxFileSeries }: Vitals): Values<"All files"> {
  return {
    weir_agent_files: files.length,
    weir_agent_files_open: files.filter(({ isOpen }) => isOpen).length,
    weir_agent_files_waiting: waitingFiles,
    weir_agent_files_missing: missing.length,
    weir_agent_files_found_total: tail.found,
    weir_agent_files_rotated_total: tail.rotated,
    weir_agent_files_truncated_total: tail.truncated,
    weir_agent_files_lost_total: tail.lost,
    weir_agent_files_copies_total: tail.copies,
    weir_agent_files_unpacked_total: tail.unpacked,
    weir_agent_files_left: tail.left,
    weir_agent_abandoned_bytes_total: tail.abandonedBytes,
    weir_agent_undelivered_bytes: files.reduce((sum, file) => sum + undeliveredBytes(file), 0),
    weir_agent_file_series_hidden: Math.max(0, files.filter(hasMore).length - maxFileSeries),
  };
}

/** Files with nothing more to come are left out: a host rotates many of them. */
function hasMore(file: WatchedSource): boolean {
  return file.phase !== "ended" || undeliveredBytes(file) > 0;
}

function ofEachFile({ files, pace, maxFileSeries }: Vitals): Values<"Each file"> {
  const shown = worstFirst(files.filter(hasMore), pace).slice(0, maxFileSeries);
  const each = (value: (file: WatchedSource) => number): Sample[] =>
    shown.map((file) => {
      const labels = { path: file.location, tag: file.tag, source: file.source.id };
      return { labels, value: value(file) };
    });
  return {
    weir_agent_file_size_bytes: each(({ size }) => size),
    weir_agent_file_read_bytes: each(({ read }) => read),
    weir_agent_file_delivered_bytes: each(({ delivery }) => delivery.resume.offset),
    weir_agent_file_lag_bytes: each(undeliveredBytes),
    weir_agent_file_lag_seconds: each((file) => pace.lagMs(file) / 1_000),
    weir_agent_file_error: each(({ error }) => Number(error !== undefined)),
  };
}

function ofLines({ read, filters, sent }: Vitals): Values<"Lines"> {
  const leftOut = (reason: "filtered" | "sampled") =>
    byTag(filters.map(({ tag, counts }) => [tag, counts[reason]])).map(({ labels, value }) => ({
      labels: { ...labels, reason },
      value,
    }));
  const edited = (what: "masked" | "undecodable") =>
    byTag(filters.map(({ tag, counts }) => [tag, counts[what]]));
  const sentBy = (unit: "lines" | "bytes") => byTag(Array.from(sent, ([tag, counts]) => [tag, counts[unit]]));
  return {
    weir_agent_lines_read_total: read.lines,
    weir_agent_bytes_read_total: read.bytes,
    weir_agent_lines_left_out_total: [...leftOut("filtered"), ...leftOut("sampled")],
    weir_agent_lines_masked_total: edited("masked"),
    weir_agent_lines_undecodable_total: edited("undecodable"),
    weir_agent_lines_cut_total: read.cut,
    weir_agent_lines_sent_total: sentBy("lines"),
    weir_agent_bytes_sent_total: sentBy("bytes"),
  };
}

/** Sums by tag, of a bounded number of them. */
function byTag(counts: readonly (readonly [tag: string, count: number])[]): Sample[] {
  const sums = new Map<string, number>();
  for (const [tag, count] of counts) {
    const key = countedTag(sums, tag);
    sums.set(key, (sums.get(key) ?? 0) + count);
  }
  return Array.from(sums, ([tag, value]) => ({ labels: { tag }, value }));
}

function ofSpool(pushed: PushedVitals | undefined): Values<"The spool"> {
  const each = (value: (pushed: PushedVitals) => number): Sample[] =>
    pushed === undefined ? [] : [{ value: value(pushed) }];
  const dropped = (unit: "lines" | "bytes"): Sample[] =>
    pushed === undefined
      ? []
      : [
          { labels: { policy: "drop-newest" }, value: pushed.spool.counts.dropped[unit] },
          { labels: { policy: "drop-oldest" }, value: pushed.reader.overtaken[unit] },
        ];
  const failures = pushed?.spool.counts.failures ?? [];
  return {
    weir_agent_spool_bytes: each(({ spool }) => spool.bytes),
    weir_agent_spool_limit_bytes: each(({ limits }) => limits.max_bytes),
    weir_agent_spool_full: each(({ spool }) => Number(spool.isFull)),
    weir_agent_spool_error: each(({ spool }) => Number(spool.error !== undefined)),
    weir_agent_spool_oldest_age_seconds: each(({ spool, reader }) => oldestAgeSeconds(spool, reader)),
    weir_agent_spool_lines_total: each(({ spool }) => spool.counts.lines),
    weir_agent_spool_dropped_lines_total: dropped("lines"),
    weir_agent_spool_dropped_bytes_total: dropped("bytes"),
    weir_agent_spool_lost_lines_total: each(({ reader }) => reader.lost.lines),
    weir_agent_spool_lost_bytes_total: each(({ reader }) => reader.lost.bytes),
    weir_agent_spool_write_errors_total: Array.from(failures, ([operation, value]) => {
      return { labels: { operation }, value };
    }),
    weir_agent_spool_quarantined: each(({ spool }) => spool.quarantined),
  };
}

function ofInputs(pushed: PushedVitals | undefined): Values<"What is pushed"> {
  const { forward, lines = [] } = pushed ?? {};
  const once = (value: number | undefined): Sample[] => (value === undefined ? [] : [{ value }]);
  const each = (count: "open" | "connections" | "refused" | "lines" | "bytes"): Sample[] =>
    Array.from(lines, ([input, counts]) => ({ labels: { input }, value: counts[count] }));
  return {
    weir_agent_forward_connections: once(forward?.open),
    weir_agent_forward_connections_total: once(forward?.connections),
    weir_agent_forward_refused_total: forward
      ? REFUSALS.map((reason) => ({ labels: { reason }, value: forward.refusedBy[reason] }))
      : [],
    weir_agent_forward_messages_total: once(forward?.messages),
    weir_agent_forward_events_total: once(forward?.events),
    weir_agent_forward_received_bytes_total: once(forward?.bytes),
    weir_agent_forward_malformed_total: once(forward?.malformed),
    weir_agent_forward_acks_total: once(forward?.acks),
    weir_agent_line_input_connections: each("open"),
    weir_agent_line_input_connections_total: each("connections"),
    weir_agent_line_input_refused_total: each("refused"),
    weir_agent_line_input_lines_total: each("lines"),
    weir_agent_line_input_bytes_total: each("bytes"),
  };
}

function ofKinesis(vitals: Vitals): Values<"Kinesis"> {
  const { producer, shards, latency, openShards, bufferedBytes, maxBufferedBytes } = vitals;
  const byShard = (value: "records" | "bytes" | "throttled" | "retries"): Sample[] =>
    Array.from(shards, ([shard, counts]) => ({ labels: { shard }, value: counts[value] }));
  return {
    weir_agent_put_requests_total: producer.requests,
    weir_agent_put_failures_total: producer.failures,
    weir_agent_put_duration_seconds: histogramSamples(latency),
    weir_agent_retries_total: byShard("retries"),
    weir_agent_throttles_total: byShard("throttled"),
    weir_agent_records_sent_total: byShard("records"),
    weir_agent_record_bytes_sent_total: byShard("bytes"),
    weir_agent_shards: openShards,
    weir_agent_buffered_bytes: bufferedBytes,
    weir_agent_buffered_limit_bytes: maxBufferedBytes,
  };
}

function histogramSamples({ cumulative, sumSeconds, count }: Latency): Sample[] {
  const buckets = cumulative.map(({ boundSeconds, count: value }) => {
    const le = boundSeconds === Infinity ? "+Inf" : `${boundSeconds}`;
    return { suffix: "_bucket", labels: { le }, value } as const;
  });
  return [...buckets, { suffix: "_sum", value: sumSeconds }, { suffix: "_count", value: count }];
}

function ofProcess(): Values<"The process"> {
  const { user, system } = process.cpuUsage();
  return {
    process_cpu_seconds_total: (user + system) / 1e6,
    process_resident_memory_bytes: process.memoryUsage.rss(),
    process_start_time_seconds: STARTED_AT_SECONDS,
    process_open_fds: ofLinux(() => readdirSync("/proc/self/fd").length),
    process_max_fds: ofLinux(() =>
      Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]),
    ),
  };
}

/** Other systems have no such files. */
function ofLinux(value: () => number): readonly Sample[] {
  try {
    return [{ value: value() }];
  } catch {
    return [];
  }
}
