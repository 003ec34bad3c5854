/**
 * Formats that one regular expression reads: its named groups are the fields, and a group that took no part has no
 * value. They run in linear time (wire/pattern). A message may have several lines, where the agent has joined them.
 */
const CLOCK = String.raw`\d\d:\d\d:\d\d(?:[.,]\d{1,9})?`;

export const TEXT_FORMATS = {
  /** source: RFC 3164, section 4.1; rsyslog's default since Debian 12 has times of ISO 8601 */
  syslog: String.raw`^(?:<(?<priority>\d{1,3})>)?(?<time>[A-Z][a-z]{2} [ \d]\d ${CLOCK}|\d{4}-\d\d-\d\d[T ]\S+) (?<host>\S+) (?:(?<ident>[^\s:\[]{1,64})(?:\[(?<pid>[^\]\s]*)\])?: ?)?(?<message>[\s\S]*)$`,
  /** source: RFC 5424, section 6 */
  rfc5424: String.raw`^<(?<priority>\d{1,3})>\d{1,2} (?<time>\S+) (?<host>\S+) (?<ident>\S+) (?<pid>\S+) (?<message_id>\S+) (?<structured_data>-|(?:\[(?:[^\]"\\]|"(?:[^"\\]|\\.)*")*\])+)(?: (?<message>[\s\S]*))?$`,
  /** Containers' logs as the kubelet keeps them. source: design proposal "CRI: log management", read 2026-11 */
  cri: String.raw`^(?<time>\d{4}-\d\d-\d\dT\S+) (?<stream>stdout|stderr) (?<logtag>[FP])(?::\S*)? (?<message>[\s\S]*)$`,
  /** source: ngx_log_error_core and ngx_http_log_error of nginx 1.27 */
  "nginx-error": String.raw`^(?<time>\d{4}/\d\d/\d\d ${CLOCK}) \[(?<level>[a-z]+)\] (?<pid>\d+)#(?<tid>\d+): (?:\*(?<connection>\d+) )?(?<message>[\s\S]*?)(?:, client: (?<client>[^,]*))?(?:, server: (?<server>[^,]*))?(?:, request: "(?<request>[^"]*)")?(?:, subrequest: "(?<subrequest>[^"]*)")?(?:, upstream: "(?<upstream>[^"]*)")?(?:, host: "(?<host>[^"]*)")?(?:, referrer: "(?<referrer>[^"]*)")?$`,
  /** source: ErrorLogFormat of Apache 2.4, and what 2.2 wrote */
  "apache-error": String.raw`^\[(?<time>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d ${CLOCK} \d{4})\] \[(?:(?<module>[\w\-]+):)?(?<level>[a-z0-9]+)\](?: \[pid (?<pid>\d+)(?::tid (?<tid>\d+))?\])?(?: \[client (?<client>[^\]]+)\])? (?:(?<code>AH\d{5}): )?(?<message>[\s\S]*)$`,
} as const;

export type TextFormat = keyof typeof TEXT_FORMATS;
