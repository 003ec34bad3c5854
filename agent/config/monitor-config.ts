import { isIP } from "node:net";
import * as z from "zod";
import { quantity } from "../../wire/quantity.ts";
import { absolutePath } from "./absolute-path.ts";
import { socketSettings } from "./socket-config.ts";

/** The `[monitor]` section. */
export const monitorSchema = z.strictObject({
  port: z.int().min(0).max(65_535).default(0).meta({ description: "of the status over HTTP; 0 has none" }),
  address: z
    .string()
    .refine((text) => isIP(text) !== 0, "must be an IP address, as 127.0.0.1 is")
    .default("127.0.0.1")
    .meta({
      description: "on which it listens. Paths of log files can be read there: think before opening it",
    }),
  unix_path: absolutePath.max(107).optional().meta({
    description: "a Unix socket to listen on as well: who may write to it may ask",
  }),
  ...socketSettings,
  token_file: absolutePath.optional().meta({
    description:
      "a file whose content must be sent with each request, as a bearer token or as the password of any user; " +
      "without it /healthz/ pages say yes or no, and no more",
  }),
  max_connections: z
    .int()
    .min(1)
    .max(10_000)
    .default(64)
    .meta({ description: "of the port and of the socket, each; an idle one makes room for a new one" }),
  hosts: z
    .array(z.string().min(1))
    .default([])
    .meta({
      description:
        "names under which it may be asked, beside localhost and IP addresses. Any other name is refused, so " +
        "that no web page can read it through a name of its own",
    }),
  max_file_series: z.int().min(0).max(100_000).default(500).meta({
    description: "files with metrics of their own, those that lag the most; the rest are in the sums",
  }),
  stalled_ms: quantity("ms", 1_000, 86_400_000).default(60_000).meta({
    unit: "ms",
    description: "/healthz/progressing fails when lines wait and none was acknowledged for this long",
  }),
});

export type MonitorConfig = z.output<typeof monitorSchema>;
