import { counter, gauge, type MetricFamily, type Sample } from "../metrics.ts";
import type { WatchedSource } from "./watched-source.ts";
import { health } from "./health.ts";
import { undeliveredBytes } from "./pace.ts";
import type { Vitals } from "./vitals.ts";

/** Everything `GET /metrics` tells. Counters begin at 0 with the process and with each reload. */
export function agentMetrics(vitals: Vitals, nowMs: number): MetricFamily[] {
  return [
    ...agentFamilies(vitals, nowMs),
    ...tailFamilies(vitals),
    ...fileFamilies(vitals, nowMs),
    ...producerFamilies(vitals),
    ...spoolFamilies(vitals),
    ...processFamilies(),
  ];
}

function agentFamilies(vitals: Vitals, nowMs: number): MetricFamily[] {
  const { agent, reload, checkpointAtMs } = vitals;
  const build = [{ labels: { version: agent.version, node: agent.node }, value: 1 }];
  const answer = (question: "ready" | "progressing") => Number(health(question, vitals, nowMs).ok);
  return [
    gauge("weir_agent_build_info", "Version of the agent and of Node.", build),
    gauge(
      "weir_agent_ready",
      "1 when the shards are known and the state directory is held.",
      answer("ready"),
    ),
    gauge("weir_agent_progressing", "0 when lines wait and none is acknowledged.", answer("progressing")),
    gauge(
      "weir_agent_checkpoint_age_seconds",
      "Since the checkpoint was last known to be true.",
      Math.max(0, nowMs - checkpointAtMs) / 1_000,
    ),
    gauge(
      "weir_agent_config_last_reload_successful",
      "0 when the last reload was refused and the configuration before it is in use.",
      Number(reload.isSuccessful),
    ),
    counter("weir_agent_config_reloads_total", "Changes of configuration that were asked for.", [
      { labels: { result: "taken" }, value: reload.taken },
      { labels: { result: "refused" }, value: reload.refused },
    ]),
    gauge(
      "weir_agent_config_last_reload_success_timestamp_seconds",
      "When the configuration in use was taken over.",
      reload.configuredAtMs / 1_000,
    ),
  ];
}

function tailFamilies({ files, tail, read }: Vitals): MetricFamily[] {
  const open = files.filter(({ isOpen }) => isOpen).length;
  return [
    gauge("weir_agent_files", "Files that are followed.", files.length),
    gauge("weir_agent_files_open", "Files that are held open.", open),
    counter("weir_agent_files_found_total", "Files that were found.", tail.found),
    counter("weir_agent_files_rotated_total", "Files that left their path.", tail.rotated),
    counter("weir_agent_files_truncated_total", "Files that became shorter, or other.", tail.truncated),
    counter("weir_agent_files_lost_total", "Files that went before they were known to be read.", tail.lost),
    counter("weir_agent_abandoned_bytes_total", "Bytes that were truncated unread.", tail.abandonedBytes),
    counter("weir_agent_lines_read_total", "Lines that were read.", read.lines),
    counter("weir_agent_bytes_read_total", "Bytes that were read, line feeds included.", read.bytes),
  ];
}

/** Files with nothing more to come are left out: a host rotates many of them. */
function fileFamilies({ files, pace }: Vitals, nowMs: number): MetricFamily[] {
  const shown = files.filter((file) => file.phase !== "ended" || undeliveredBytes(file) > 0);
  const each = (value: (file: WatchedSource) => number): Sample[] =>
    shown.map((file) => {
      const labels = { path: file.location, tag: file.tag, source: file.source.id };
      return { labels, value: value(file) };
    });
  return [
    gauge(
      "weir_agent_file_size_bytes",
      "Bytes in the file.",
      each(({ size }) => size),
    ),
    gauge(
      "weir_agent_file_read_bytes",
      "Offset to which it is read.",
      each(({ read }) => read),
    ),
    gauge(
      "weir_agent_file_delivered_bytes",
      "Offset to which Kinesis has acknowledged it.",
      each(({ delivery }) => delivery.resume.offset),
    ),
    gauge("weir_agent_file_lag_bytes", "Bytes that could be delivered and are not.", each(undeliveredBytes)),
    gauge(
      "weir_agent_file_lag_seconds",
      "Since the file was last delivered to its end.",
      each((file) => pace.lagMs(file, nowMs) / 1_000),
    ),
    gauge(
      "weir_agent_file_error",
      "1 when it cannot be read.",
      each(({ error }) => Number(error !== undefined)),
    ),
  ];
}

function producerFamilies(vitals: Vitals): MetricFamily[] {
  const { sent, producer, shards, openShards, bufferedBytes, maxBufferedBytes, files } = vitals;
  const byTag = (value: "lines" | "bytes") =>
    Array.from(sent, ([tag, counts]) => ({ labels: { tag }, value: counts[value] }));
  const byShard = (value: "records" | "bytes" | "throttled") =>
    Array.from(shards, ([shard, counts]) => ({ labels: { shard }, value: counts[value] }));
  const undelivered = files.reduce((sum, file) => sum + undeliveredBytes(file), 0);
  return [
    counter("weir_agent_lines_sent_total", "Lines that Kinesis acknowledged.", byTag("lines")),
    counter("weir_agent_bytes_sent_total", "Bytes of files that Kinesis acknowledged.", byTag("bytes")),
    counter("weir_agent_put_requests_total", "PutRecords requests.", producer.requests),
    counter("weir_agent_put_failures_total", "PutRecords requests that failed whole.", producer.failures),
    counter("weir_agent_retries_total", "Records that were sent again.", producer.retries),
    counter("weir_agent_throttles_total", "Records that a shard had no room for.", byShard("throttled")),
    counter("weir_agent_records_sent_total", "Records that a shard took.", byShard("records")),
    counter("weir_agent_record_bytes_sent_total", "Bytes that a shard took.", byShard("bytes")),
    gauge("weir_agent_shards", "Open shards of the stream; 0 until they are known.", openShards),
    gauge(
      "weir_agent_undelivered_bytes",
      "Bytes of all files that could be delivered and are not.",
      undelivered,
    ),
    gauge("weir_agent_buffered_bytes", "Bytes that wait for an acknowledgement.", bufferedBytes),
    gauge("weir_agent_buffered_bytes_limit", "At which reading pauses.", maxBufferedBytes),
  ];
}

function spoolFamilies({ spool }: Vitals): MetricFamily[] {
  if (spool === undefined) return [];
  const { bytes, maxBytes, isFull, error, dropped, connections } = spool;
  return [
    gauge("weir_agent_spool_bytes", "Of pushed events on disk.", bytes),
    gauge("weir_agent_spool_bytes_limit", "At which spool.overflow takes effect.", maxBytes),
    gauge("weir_agent_spool_full", "1 when events wait for room, or are left out.", Number(isFull)),
    gauge("weir_agent_spool_error", "1 when it cannot be written.", Number(error !== undefined)),
    counter("weir_agent_spool_dropped_lines_total", "Lines left out for want of room.", dropped.lines),
    counter("weir_agent_spool_dropped_bytes_total", "Bytes left out for want of room.", dropped.bytes),
    gauge("weir_agent_forward_connections", "Connections of the forward input.", connections),
  ];
}

/** Names that every Prometheus client library uses. */
function processFamilies(): MetricFamily[] {
  const { user, system } = process.cpuUsage();
  const startedAtSeconds = Date.now() / 1_000 - process.uptime();
  return [
    counter("process_cpu_seconds_total", "CPU time, user and system.", (user + system) / 1e6),
    gauge("process_resident_memory_bytes", "Resident memory.", process.memoryUsage.rss()),
    gauge("process_start_time_seconds", "Start since the Unix epoch.", startedAtSeconds),
  ];
}
