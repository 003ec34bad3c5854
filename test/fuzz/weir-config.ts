import { loadConfig } from "../../lib/load-config.ts";
import { createTableSql } from "../../lambdas/loader/table-ddl.ts";
import { targetsOf } from "../../lambdas/loader/target.ts";
import { LogTypes } from "../../lambdas/router/log-types.ts";
import type { Random } from "../../local/traffic/random.ts";
import { ConfigError, parseConfig, type WeirConfigInput } from "../../wire/config.ts";
import type { Target } from "./fuzz.ts";
import { mutateJson } from "./mutation.ts";

/** Every format that the sample has not. */
const MORE: WeirConfigInput["types"] = [
  {
    name: "syslog",
    parse: { format: "regex", pattern: String.raw`^(?<time>\w{3} +\d+ \S+) (?<host>\S+) (?<text>.*)$` },
    time: { field: "time", format: "syslog" },
    columns: [{ name: "host", type: "varchar(255)" }],
  },
  { name: "csv", parse: { format: "csv", fields: ["a", "b"] }, columns: [{ name: "a", type: "date" }] },
  { name: "raw", parse: { format: "raw" }, columns: [{ name: "line", type: "varchar(65535)" }] },
  {
    name: "computed",
    parse: { format: "combined" },
    drop: "path == '/health'",
    copy: [{ to: "raw" }, { to: "csv", when: "int(status) >= 500" }],
    remove: ["user"],
    tables: { team: { entries: { a: "x" }, default: "y" } },
    columns: [
      { name: "a", type: "smallint", value: "int(status)", default: 0 },
      { name: "b", type: "varchar(20)", value: "lookup('team', hash(host))", default: "none" },
      { name: "c", type: "varchar(9)", field: "bytes", classes: { small: ["*", 10], large: [10, "*"] } },
      { name: "d", type: "timestamp", value: "_time", default: "2026-11-21T10:00:00Z" },
      { name: "e", type: "boolean", value: "path.matches('^/api/[0-9]+')", default: false },
    ],
  },
];

/** `weir.config.ts`, spoilt: the fields at fault are named, or the router and the loader can use it. */
export const weirConfig: Target = {
  name: "weir-config",
  async start() {
    const sample = await loadConfig("weir.config.ts");
    const sound = JSON.parse(
      JSON.stringify({ ...sample, hashSalt: "0".repeat(16), types: [...sample.types, ...MORE] }),
    ) as object;
    return {
      async run(random: Random) {
        try {
          const config = parseConfig(mutateJson(random, sound), "weir.config.ts");
          // A tag that no type may have asked for: whatever it is, it is looked up.
          new LogTypes(config.types, config).ofTag("app");
          for (const target of targetsOf(config)) createTableSql(target);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};
