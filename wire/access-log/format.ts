/** What a field's text may hold. It ends at the first character that it may not hold. */
export type AccessForm =
  | "host" //      letters, digits and . _ : % * / [ ] -   so neither a list of hosts nor a quote
  | "vhost" //     letters, digits and . _ * -
  | "digits"
  | "ident" //     a name: it begins with a letter, _ or -, and holds no dot, so it is never an address
  | "user" //      anything but white space
  | "word" //      anything but white space and quotes
  | "time" //      anything but brackets and quotes
  | "list" //      words, between two of them a comma and a space, or " : "
  | "until" //     anything up to the text after it
  | "quoted" //    { any but DQUOTE or "\" | "\" any }
  | "request"; //  quoted, of the form `METHOD path PROTOCOL`: three fields

export interface AccessField {
  /** The text between the field before and this one. */
  readonly before: string;
  readonly name: string;
  readonly form: AccessForm;
}

export interface AccessFormat {
  readonly fields: readonly AccessField[];
  /** The text after the last field. */
  readonly after: string;
  /** Fields are added behind the last one as time goes by. */
  readonly grows?: true;
}

const HOST = { before: "", name: "host", form: "host" } as const;
const IDENT = { before: " ", name: "ident", form: "ident" } as const;

/** From the time to the bytes, which all servers write alike. */
const MIDDLE = [
  { before: " [", name: "time", form: "time" },
  { before: '] "', name: "request", form: "request" },
  { before: '" ', name: "status", form: "word" },
  { before: " ", name: "bytes", form: "word" },
] as const satisfies readonly AccessField[];

const REFERER_AND_AGENT = [
  { before: ' "', name: "referer", form: "quoted" },
  { before: '" "', name: "agent", form: "quoted" },
] as const satisfies readonly AccessField[];

/** Fields of words and quoted texts with one space between them: `"name"` is a quoted one, `[name]` a time. */
function spaced(names: string): AccessField[] {
  return names.split(" ").map((name, i, all) => {
    const [open, close] = [opening(name), i === 0 ? "" : closing(all[i - 1]!)];
    const before = `${close}${i === 0 ? "" : " "}${open}`;
    const bare = name.replaceAll(/["[\]]/g, "");
    if (bare === "request") return { before, name: bare, form: "request" };
    return { before, name: bare, form: open === '"' ? "quoted" : open === "[" ? "time" : "word" };
  });
}

const opening = (name: string): string => (/^["[]/.test(name) ? name.charAt(0) : "");
const closing = (name: string): string => (/["\]]$/.test(name) ? name.slice(-1) : "");

const user = (before: string): AccessField => ({ before, name: "user", form: "user" });

/**
 * sources, read 2026-11:
 * https://httpd.apache.org/docs/2.4/mod/mod_log_config.html (common, combined), Debian's apache2.conf
 * (vhost_combined), nginx.conf as nginx.org packages it (nginx-main), accesslog.format of lighttpd's mod_accesslog,
 * "Access logs for your Application Load Balancer", "Amazon S3 server access log format": fields that AWS has added since
 * stand behind them
 */
export const ACCESS_FORMATS = {
  common: { fields: [HOST, IDENT, user(" "), ...MIDDLE], after: "" },
  combined: { fields: [HOST, IDENT, user(" "), ...MIDDLE, ...REFERER_AND_AGENT], after: '"' },
  vhost_combined: {
    fields: [
      { before: "", name: "vhost", form: "vhost" },
      { before: ":", name: "port", form: "digits" },
      { ...HOST, before: " " },
      IDENT,
      user(" "),
      ...MIDDLE,
      ...REFERER_AND_AGENT,
    ],
    after: '"',
  },
  "nginx-main": {
    fields: [
      HOST,
      user(" - "),
      ...MIDDLE,
      ...REFERER_AND_AGENT,
      { before: '" "', name: "x_forwarded_for", form: "quoted" },
    ],
    after: '"',
  },
  lighttpd: {
    fields: [HOST, { before: " ", name: "vhost", form: "host" }, user(" "), ...MIDDLE, ...REFERER_AND_AGENT],
    after: '"',
  },
  alb: {
    fields: spaced(
      'type time elb client target request_processing_time target_processing_time response_processing_time status target_status received_bytes sent_bytes "request" "agent" ssl_cipher ssl_protocol target_group_arn "trace_id" "domain_name" "chosen_cert_arn" matched_rule_priority request_creation_time "actions_executed" "redirect_url" "error_reason"',
    ),
    after: '"',
    grows: true,
  },
  "s3-access": {
    fields: spaced(
      'bucket_owner bucket [time] remote_ip requester request_id operation key "request" status error_code bytes_sent object_size total_time turn_around_time "referer" "agent" version_id',
    ),
    after: "",
    grows: true,
  },
} as const satisfies Readonly<Record<string, AccessFormat>>;

export type AccessFormatName = keyof typeof ACCESS_FORMATS;

/** The three fields of a request. */
export const REQUEST_FIELDS = ["method", "path", "protocol"] as const;

/** The names of a format's fields, in the order in which a line has them. */
export function accessFieldNames({ fields }: AccessFormat): string[] {
  return fields.flatMap(({ name, form }) => (form === "request" ? REQUEST_FIELDS : [name]));
}
