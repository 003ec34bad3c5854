import type { WeirConfigInput } from "../../wire/config.ts";
import type { FormatExample } from "./format-examples.ts";

/** What the examples' expressions use besides their type. */
export const EXAMPLE_SETTINGS: Pick<WeirConfigInput, "tables" | "hashSalt"> = {
  tables: { team: { entries: { api: "core", shop: "sales" }, default: "none" } },
  hashSalt: "sixteen characters or more",
};

/** Shown in the reference, and run by a test; tables are as EXAMPLE_SETTINGS has them. */
export const EXPRESSION_EXAMPLES: readonly FormatExample[] = [
  {
    title: "Columns of an access log that are computed",
    type: {
      parse: { format: "combined" },
      time: { field: "time", format: "clf" },
      remove: ["host", "user", "agent", "ident", "protocol", "referer"],
      columns: [
        { name: "network", value: "maskIp(host)", type: "varchar(45)" },
        { name: "is_error", value: "int(status) >= 500", type: "boolean" },
        { name: "section", value: 'path.split("/")[1]', type: "varchar(100)" },
        { name: "campaign", value: 'query(path, "utm_source")', type: "varchar(100)", default: "none" },
        { name: "browser", value: 'userAgent(agent, "browser")', type: "varchar(40)" },
        {
          name: "size",
          field: "bytes",
          type: "varchar(6)",
          classes: { small: ["*", 1_000], large: [1_000, "*"] },
        },
        { name: "path", type: "varchar(1000)" },
        { name: "method", type: "varchar(8)" },
        { name: "status", type: "smallint" },
        { name: "bytes", type: "bigint" },
      ],
    },
    line: '203.0.113.9 - - [21/Nov/2026:10:00:00 +0000] "GET /shop/a?utm_source=news%20letter HTTP/1.1" 502 512 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0"',
    row: {
      _time: "2026-11-21 10:00:00.000",
      network: "203.0.113.0",
      is_error: true,
      section: "shop",
      campaign: "news letter",
      browser: "Firefox",
      size: "small",
      path: "/shop/a?utm_source=news%20letter",
      method: "GET",
      status: 502,
      bytes: 512,
    },
  },
  {
    title: "Personal data that is hashed, masked and removed",
    type: {
      parse: { format: "json" },
      drop: 'level == "debug"',
      remove: ["user.mail", "card"],
      columns: [
        { name: "user_hash", value: "hash(user.mail)", type: "char(64)" },
        { name: "mail_domain", value: "maskEmail(user.mail)", type: "varchar(255)" },
        { name: "card_end", value: "maskButLast(card, 4)", type: "varchar(30)" },
        { name: "team", value: 'lookup("team", service)', type: "varchar(20)" },
        { name: "delay_s", value: "_arrived_at - _time", type: "double precision" },
      ],
    },
    line: '{"level":"info","service":"api","user":{"mail":"jane@example.com","plan":"pro"},"card":4000123456789010}',
    row: {
      _extra: { level: "info", service: "api", user: { plan: "pro" } },
      user_hash: "047c20de54684e38f5bd196b981ac8bc2edbcc1baa9233dc460d7446407fa2ea",
      mail_domain: "***@example.com",
      card_end: "************9010",
      team: "core",
      delay_s: 0,
    },
  },
  {
    title: "Errors that also go to a type of their own",
    type: {
      parse: { format: "ltsv" },
      drop: 'path == "/health"',
      copy: [{ to: "errors", when: "int(status) >= 500" }],
      columns: [
        { name: "path", type: "varchar(1000)" },
        { name: "status", type: "smallint" },
        {
          name: "speed",
          field: "reqtime",
          type: "varchar(10)",
          classes: { fast: ["*", 0.1], slow: [0.1, "*"] },
        },
      ],
    },
    line: "path:/a\tstatus:503\treqtime:0.25",
    row: { _extra: { reqtime: "0.25" }, path: "/a", status: 503, speed: "slow" },
  },
];
