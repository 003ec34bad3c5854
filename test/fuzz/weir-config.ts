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
];

/** `weir.config.ts`, spoilt: the fields at fault are named, or the router and the loader can use it. */
export const weirConfig: Target = {
  name: "weir-config",
  async start() {
    const sample = await loadConfig("weir.config.ts");
    const sound = JSON.parse(JSON.stringify({ ...sample, types: [...sample.types, ...MORE] })) as object;
    return {
      async run(random: Random) {
        try {
          const config = parseConfig(mutateJson(random, sound), "weir.config.ts");
          // A tag that no type may have asked for: whatever it is, it is looked up.
          new LogTypes(config.types).ofTag("app");
          for (const target of targetsOf(config)) createTableSql(target);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};
