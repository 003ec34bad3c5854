import { defineConfig } from "../../wire/config.ts";

// Logs of daemons and of Java programs, by patterns with named groups; and one type that takes any line
// as it is. Rows stay in the lake: `warehouse` is left out.
export default defineConfig({
  types: [
    {
      name: "syslog",
      match: { tags: ["linux", "syslog", "auth.*"] },
      parse: {
        format: "regex",
        pattern: String.raw`^(?<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?<host>\S+) (?<program>[^:\[]+(?:\[[^\]]*\])??)(?:\[(?<pid>\d+)\])?: (?<message>.*)$`,
      },
      time: { field: "time", format: "syslog" },
      columns: [
        { name: "host", type: "varchar(255)", nullable: false },
        { name: "program", type: "varchar(255)", nullable: false, encode: "bytedict" },
        { name: "pid", type: "integer" },
        { name: "message", type: "varchar(8192)", encode: "zstd" },
      ],
    },
    {
      name: "java",
      match: { tags: ["hadoop", "zookeeper"] },
      parse: {
        format: "regex",
        pattern: String.raw`^(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (?:- )?(?<level>[A-Z]+) +(?:- )?\[(?<thread>.*?)\] ?(?:- )?(?<message>.*)$`,
      },
      time: { field: "time", format: "iso8601" },
      columns: [
        { name: "level", type: "varchar(8)", nullable: false, encode: "bytedict" },
        { name: "thread", type: "varchar(512)" },
        { name: "message", type: "varchar(65535)", encode: "zstd" },
      ],
    },
    {
      name: "raw",
      match: { tags: ["*"] },
      parse: { format: "raw" },
      columns: [{ name: "line", type: "varchar(65535)", nullable: false, encode: "zstd" }],
    },
  ],
});
