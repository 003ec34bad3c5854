import type { ImportedField, ImportedFormat, ParserInput } from "./imported-format.ts";

/** A format that has a name in Fluentd. */
export interface NamedFormat {
  readonly parse: ParserInput;
  /** Fields of ours by the names that it has for them. */
  readonly fields: Readonly<Record<string, ImportedField>>;
  /** Fluentd's name of the time, and how it is read. */
  readonly time?: { readonly key: string; readonly field: string; readonly format: string };
  readonly remark?: string;
}

/** Apache 2.4 writes a fraction in the midst of its time, and 2.2 none. */
export const APACHE_ERROR_TIME =
  'event time is arrival time: say time: { field: "time", format: "%a %b %d %H:%M:%S.%L %Y" }, without .%L for Apache 2.2';

const CLF = { key: "time", field: "time", format: "clf" };

/** Fluentd's expressions take lines with referer and agent, and without. */
const access = (formats: readonly ("combined" | "common" | "nginx-main" | "lighttpd")[]): ParserInput => ({
  format: "any",
  of: formats.map((format) => ({ format })),
});

const REQUEST = {
  user: { field: "user" },
  method: { field: "method" },
  path: { field: "path" },
  code: { field: "status", type: "smallint" },
  size: { field: "bytes", type: "bigint" },
  referer: { field: "referer" },
  agent: { field: "agent" },
};

const APACHE: NamedFormat = {
  parse: access(["combined", "common"]),
  fields: { host: { field: "host" }, ...REQUEST },
  time: CLF,
};

const SYSLOG_FIELDS = {
  pri: { field: "priority", type: "smallint" },
  host: { field: "host" },
  ident: { field: "ident" },
  pid: { field: "pid" },
  message: { field: "message" },
};
const RFC5424_FIELDS = {
  ...SYSLOG_FIELDS,
  msgid: { field: "message_id" },
  extradata: { field: "structured_data", type: "super" },
};

/** source: lib/fluent/plugin/parser_*.rb of Fluentd, and fluent-plugin-parser-cri; read 2026-11 */
export const NAMED_FORMATS: Readonly<Record<string, NamedFormat>> = {
  apache: APACHE,
  apache2: APACHE,
  apache_error: {
    parse: { format: "apache-error" },
    fields: {
      level: { field: "level" },
      pid: { field: "pid" },
      client: { field: "client" },
      message: { field: "message" },
      time: { field: "time", type: "varchar(64)" },
    },
    remark: APACHE_ERROR_TIME,
  },
  nginx: {
    parse: access(["nginx-main", "combined", "lighttpd", "common"]),
    fields: {
      remote: { field: "host" },
      host: { field: "vhost" },
      ...REQUEST,
      http_x_forwarded_for: { field: "x_forwarded_for" },
    },
    time: CLF,
  },
  syslog: {
    parse: { format: "syslog" },
    fields: SYSLOG_FIELDS,
    time: { key: "time", field: "time", format: "syslog" },
  },
  rfc5424: {
    parse: { format: "rfc5424" },
    fields: RFC5424_FIELDS,
    time: { key: "time", field: "time", format: "iso8601" },
  },
  // A time in ISO 8601 is read where it is syslog's, too.
  auto: {
    parse: { format: "any", of: [{ format: "rfc5424" }, { format: "syslog" }] },
    fields: RFC5424_FIELDS,
    time: { key: "time", field: "time", format: "syslog" },
  },
  cri: {
    parse: { format: "cri" },
    fields: { stream: { field: "stream" }, logtag: { field: "logtag" }, message: { field: "message" } },
    time: { key: "time", field: "time", format: "iso8601" },
  },
};

/** What grok and amazon-kinesis-agent call them. */
export const GROK_FORMATS: Readonly<Record<string, string>> = {
  COMBINEDAPACHELOG: "apache2",
  HTTPD_COMBINEDLOG: "apache2",
  COMMONAPACHELOG: "apache2",
  HTTPD_COMMONLOG: "apache2",
  APACHEERRORLOG: "apache_error",
  HTTPD_ERRORLOG: "apache_error",
  SYSLOG: "syslog",
  SYSLOGLINE: "syslog",
  SYSLOGBASE: "syslog",
  RFC3339SYSLOG: "syslog",
  SYSLOG5424LINE: "rfc5424",
};

/** The whole line, where nothing is known of it. */
export function rawFormat(key: string, ...remarks: readonly string[]): ImportedFormat {
  const fields = new Map([[key, { field: "line", type: "varchar(65535)" }]]);
  return { parse: { format: "raw" }, fields, isOpen: false, remarks };
}
