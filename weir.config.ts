import { defineConfig } from "./wire/config.ts";

export default defineConfig({
  warehouse: { kind: "new-serverless", database: "weir" },
  types: [
    {
      name: "access",
      match: { tags: ["access", "nginx.access"] },
      parse: { format: "combined" },
      time: { field: "time", format: "clf" },
      columns: [
        { name: "host", type: "varchar(255)", nullable: false },
        { name: "user_name", field: "user", type: "varchar(255)" },
        { name: "method", type: "varchar(16)", encode: "bytedict" },
        { name: "path", type: "varchar(8192)", encode: "zstd" },
        { name: "protocol", type: "varchar(16)", encode: "bytedict" },
        { name: "status", type: "smallint", nullable: false },
        { name: "bytes", type: "bigint" },
        { name: "referer", type: "varchar(8192)", encode: "zstd" },
        { name: "agent", type: "varchar(2048)", encode: "zstd" },
      ],
      destinations: [{ to: "s3" }, { to: "redshift", schema: "logs" }],
    },
    {
      name: "photo",
      parse: { format: "json" },
      time: { field: "time", format: "iso8601" },
      columns: [
        { name: "photo_id", type: "bigint", nullable: false },
        { name: "user_id", type: "bigint", nullable: false },
        { name: "action", type: "varchar(32)", nullable: false, encode: "bytedict" },
        { name: "width", type: "integer" },
        { name: "height", type: "integer" },
        { name: "bytes", type: "bigint" },
        { name: "camera", field: "exif.camera", type: "varchar(128)", encode: "zstd" },
        { name: "tags", type: "super" },
      ],
      destinations: [{ to: "s3" }, { to: "redshift", schema: "logs" }],
    },
    {
      name: "user",
      parse: { format: "ltsv" },
      time: { field: "time", format: "epoch-millis" },
      columns: [
        { name: "user_id", type: "bigint", nullable: false },
        { name: "event", type: "varchar(64)", nullable: false, encode: "bytedict" },
        { name: "country", type: "char(2)" },
        { name: "amount", type: "decimal(12,2)" },
        { name: "referrer", type: "varchar(2048)", encode: "zstd" },
      ],
      destinations: [{ to: "s3" }, { to: "redshift", schema: "logs", table: "user_events" }],
    },
  ],
});
