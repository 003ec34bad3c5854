import type { MetricFamily } from "./metrics.ts";

/** What is told under one name: its labels, and what it says. */
interface Metric extends Pick<MetricFamily, "type" | "help"> {
  readonly labels: readonly string[];
}

const counter = (help: string, ...labels: string[]): Metric => ({ type: "counter", help, labels });
const gauge = (help: string, ...labels: string[]): Metric => ({ type: "gauge", help, labels });
const histogram = (help: string, ...labels: string[]): Metric => ({ type: "histogram", help, labels });

const AGENT = {
  weir_agent_build_info: gauge("1; the version of the agent and of Node.", "version", "node"),
  weir_agent_ready: gauge("1 when the shards are known and the state directory is held."),
  weir_agent_progressing: gauge("0 when it is not ready, or lines wait and none is acknowledged."),
  weir_agent_checkpoint_age_seconds: gauge("Since the checkpoint was last known to be true."),
  weir_agent_checkpoint_write_errors_total: counter("Checkpoints that could not be written."),
  weir_agent_sources_renewed_total: counter(
    "Sources that went on under new ids at the start: the state is another machine's, or was put back.",
    "why",
  ),
  weir_agent_config_reloads_total: counter("Changes of configuration that were tried.", "result"),
  weir_agent_config_last_reload_successful: gauge("0 when the last one was refused."),
  weir_agent_config_last_reload_success_timestamp_seconds: gauge(
    "When the configuration in use was taken over.",
  ),
};

const FILES = {
  weir_agent_files: gauge("Files that are followed; the spool counts as one."),
  weir_agent_files_open: gauge("Files that are held open."),
  weir_agent_files_waiting: gauge("Files that match and are not read yet: see tail.max_files."),
  weir_agent_files_missing: gauge("Files that are named without a wildcard and are not there."),
  weir_agent_files_found_total: counter("Files that were found."),
  weir_agent_files_rotated_total: counter("Files that left their path."),
  weir_agent_files_truncated_total: counter("Files that became shorter, or other."),
  weir_agent_files_lost_total: counter("Files that went before they were known to be read."),
  weir_agent_files_copies_total: counter(
    "Files that are not read, as all that they hold was read of others before.",
  ),
  weir_agent_files_unpacked_total: counter("Files that were compressed before they were read, and read on."),
  weir_agent_abandoned_bytes_total: counter(
    "Bytes that were truncated unread, or cannot be unpacked: data is gone.",
  ),
  weir_agent_files_left: gauge(
    "Files that match and are not read, for a link or their owner; the log says which.",
  ),
  weir_agent_undelivered_bytes: gauge(
    "Bytes of all files and of the spool that could be delivered and are not.",
  ),
  weir_agent_file_series_hidden: gauge("Files without series of their own, by monitor.max_file_series."),
};

/** Of each source; the spool is one, its path `spool:pushed`. */
const FILE = {
  weir_agent_file_size_bytes: gauge("Bytes in the file.", "path", "tag", "source"),
  weir_agent_file_read_bytes: gauge("Offset to which it is read.", "path", "tag", "source"),
  weir_agent_file_delivered_bytes: gauge(
    "Offset to which Kinesis has acknowledged it.",
    "path",
    "tag",
    "source",
  ),
  weir_agent_file_lag_bytes: gauge(
    "Bytes that could be delivered and are not; a last line without line feed is none of them.",
    "path",
    "tag",
    "source",
  ),
  weir_agent_file_lag_seconds: gauge(
    "Age of the oldest byte that is not delivered.",
    "path",
    "tag",
    "source",
  ),
  weir_agent_file_error: gauge("1 when it cannot be read.", "path", "tag", "source"),
};

const LINES = {
  weir_agent_lines_read_total: counter("Lines that were read, from files and from the spool."),
  weir_agent_bytes_read_total: counter("Bytes that were read, line feeds included."),
  weir_agent_lines_left_out_total: counter(
    "Lines that a [[files]] entry leaves out, filtered or sampled.",
    "tag",
    "reason",
  ),
  weir_agent_lines_masked_total: counter("Lines in which something was replaced.", "tag"),
  weir_agent_lines_undecodable_total: counter(
    "Lines in which bytes that are no character of the entry's encoding became U+FFFD.",
    "tag",
  ),
  weir_agent_lines_cut_total: counter("Lines of files over max_line_bytes, of which the rest was left out."),
  weir_agent_lines_sent_total: counter("Lines that Kinesis acknowledged.", "tag"),
  weir_agent_bytes_sent_total: counter("Bytes of the sources that Kinesis acknowledged.", "tag"),
};

const SPOOL = {
  weir_agent_spool_bytes: gauge("Pushed events on disk."),
  weir_agent_spool_limit_bytes: gauge("At which it is full: spool.max_bytes."),
  weir_agent_spool_full: gauge("1 when events wait for room, or are left out."),
  weir_agent_spool_error: gauge("1 when it cannot be written, so that nothing is acknowledged."),
  weir_agent_spool_oldest_age_seconds: gauge("Since the oldest event that is not delivered arrived."),
  weir_agent_spool_lines_total: counter("Events that were put on disk."),
  weir_agent_spool_dropped_lines_total: counter("Events that were left out: it was full.", "policy"),
  weir_agent_spool_dropped_bytes_total: counter("Their bytes.", "policy"),
  weir_agent_spool_lost_lines_total: counter("Events that the disk has lost since they were acknowledged."),
  weir_agent_spool_lost_bytes_total: counter("Bytes that it has lost; of some, the events are not known."),
  weir_agent_spool_write_errors_total: counter("Writes that failed and are tried again.", "operation"),
  weir_agent_spool_quarantined: gauge("Torn tails and corrupt segments that were set aside at the start."),
};

const INPUTS = {
  weir_agent_forward_connections: gauge("Connections of the forward input that are open."),
  weir_agent_forward_connections_total: counter("Connections that were taken."),
  weir_agent_forward_refused_total: counter("Connections that were turned away, or ended by us.", "reason"),
  weir_agent_forward_messages_total: counter("Messages, of one event or of many."),
  weir_agent_forward_events_total: counter("Events in them."),
  weir_agent_forward_received_bytes_total: counter("Bytes as they came, compressed or not."),
  weir_agent_forward_malformed_total: counter("Entries that were no [time, record], stored as they came."),
  weir_agent_forward_acks_total: counter("Messages that were acknowledged."),
  weir_agent_line_input_connections: gauge("Connections of a line socket that are open.", "input"),
  weir_agent_line_input_connections_total: counter("Connections that were taken.", "input"),
  weir_agent_line_input_refused_total: counter("Connections that were turned away at the limit.", "input"),
  weir_agent_line_input_lines_total: counter("Lines from a socket, or from stdin.", "input"),
  weir_agent_line_input_bytes_total: counter("Their bytes.", "input"),
};

const KINESIS = {
  weir_agent_put_requests_total: counter("PutRecords requests."),
  weir_agent_put_failures_total: counter("PutRecords requests that failed whole."),
  weir_agent_put_duration_seconds: histogram("How long PutRecords requests take, failed ones included."),
  weir_agent_retries_total: counter("Records that are sent again.", "shard"),
  weir_agent_throttles_total: counter("Records that a shard had no room for.", "shard"),
  weir_agent_records_sent_total: counter("Records that a shard took.", "shard"),
  weir_agent_record_bytes_sent_total: counter("Bytes that a shard took.", "shard"),
  weir_agent_shards: gauge("Open shards of the stream; 0 until they are known."),
  weir_agent_buffered_bytes: gauge("Bytes that wait for an acknowledgement."),
  weir_agent_buffered_limit_bytes: gauge("At which reading pauses."),
};

/** Names that every Prometheus client library uses. */
const PROCESS = {
  process_cpu_seconds_total: counter("CPU time, user and system."),
  process_resident_memory_bytes: gauge("Resident memory."),
  process_start_time_seconds: gauge("Start since the Unix epoch."),
  process_open_fds: gauge("File descriptors, sockets included."),
  process_max_fds: gauge("File descriptors that the system lets it have."),
};

/** Every metric, by what it is about, in the order in which they are exposed. */
export const METRIC_GROUPS = {
  "The agent": AGENT,
  "All files": FILES,
  "Each file": FILE,
  Lines: LINES,
  "The spool": SPOOL,
  "What is pushed": INPUTS,
  Kinesis: KINESIS,
  "The process": PROCESS,
} satisfies Record<string, Record<string, Metric>>;

type Groups = typeof METRIC_GROUPS;
/** The names of a group. */
export type NamesOf<Group extends keyof Groups> = keyof Groups[Group] & string;
